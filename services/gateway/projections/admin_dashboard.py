"""The platform's figures, all in one row: people, campaigns, ad requests, deals, money, flags and ratings."""

from dataclasses import field
from datetime import datetime
from typing import Any

from services.gateway.projections import counting
from shared.contracts import adrequests as ad
from shared.contracts import campaigns as ca
from shared.contracts import identity, moderation
from shared.contracts import payments as pa
from shared.kernel.record import record, replace

NAME = "admin_dashboard"

#: The key of the only row.
PLATFORM = "platform"


@record
class Accounts:
    """Accounts of one role by state; the restricted ones are counted in their state as well."""

    pending_approval: int = 0
    active: int = 0
    rejected: int = 0
    erased: int = 0
    restricted: int = 0


@record
class Users:
    """Accounts by role."""

    sponsor: Accounts = Accounts()
    influencer: Accounts = Accounts()
    admin: Accounts = Accounts()


@record
class Visibility:
    """Campaigns of every state by who may see them."""

    public: int = 0
    private: int = 0


@record
class Flagged:
    """What is flagged now."""

    campaigns: int = 0
    accounts: int = 0


@record
class Money:
    """Of one currency, in minor units. Topped up = wallets + escrow + available + reserved + paid out + fees."""

    topped_up_minor: int = 0
    wallets_minor: int = 0
    escrow_minor: int = 0
    available_minor: int = 0
    reserved_minor: int = 0
    paid_out_minor: int = 0
    fees_minor: int = 0
    budget_minor: int = 0
    committed_minor: int = 0
    spent_minor: int = 0


@record
class Row:
    """The platform. `ratings` are those of both sides."""

    users: Users = Users()
    campaigns: counting.Campaigns = counting.Campaigns()
    visibility: Visibility = Visibility()
    applications: counting.Applications = counting.Applications()
    ad_requests: counting.AdRequests = counting.AdRequests()
    deals: counting.Deals = counting.Deals()
    money: dict[str, Money] = field(default_factory=dict)
    flagged: Flagged = Flagged()
    ratings: counting.Stars = counting.Stars()


def keys(event: object) -> tuple[str, ...]:
    """Return the only row."""
    return (PLATFORM,)


def evolve(row: Row, key: str, event: Any, at: datetime) -> Row:
    """Return the figures after a message; those of different keys may come in any order."""
    return counting.counted(row, COUNTERS, event)


def _users(users: Users, event: Any) -> Users:
    match event:
        case identity.AccountRegistered(state=state):
            by = {state: 1}
        case identity.AccountApproved():
            by = {"pending_approval": -1, "active": 1}
        case identity.AccountRejected():
            by = {"pending_approval": -1, "rejected": 1}
        case identity.AccountRestricted():
            by = {"restricted": 1}
        case identity.AccountRestrictionLifted():
            by = {"restricted": -1}
        case identity.PersonErased(previous=previous, restricted=restricted):
            by = {previous: -1, "erased": 1, "restricted": -1 if restricted else 0}
        case _:
            return users
    accounts: Accounts = getattr(users, event.role)
    return replace(users, **{event.role: counting.changed(accounts, **by)})


def _visibility(counts: Visibility, event: object) -> Visibility:
    match event:
        case ca.CampaignDrafted(visibility=visibility):
            return counting.changed(counts, **{visibility: 1})
        case ca.CampaignEdited(visibility=visibility, previous_visibility=previous):
            return counting.moved(counts, previous, visibility)
        case _:
            return counts


def _flagged(flagged: Flagged, event: object) -> Flagged:
    match event:
        case moderation.CampaignFlagged():
            return counting.changed(flagged, campaigns=1)
        case moderation.CampaignUnflagged():
            return counting.changed(flagged, campaigns=-1)
        case moderation.AccountFlagged():
            return counting.changed(flagged, accounts=1)
        case moderation.AccountUnflagged():
            return counting.changed(flagged, accounts=-1)
        case _:
            return flagged


def _money(money: dict[str, Money], event: object) -> dict[str, Money]:
    return counting.in_currency(money, event, Money(), _summed)


def _summed(sums: Money, event: object) -> Money:
    match event:
        case pa.WalletToppedUp(amount_minor=amount):
            return replace(
                sums, topped_up_minor=sums.topped_up_minor + amount, wallets_minor=sums.wallets_minor + amount
            )
        case pa.FundsHeld(amount_minor=amount):
            return replace(sums, wallets_minor=sums.wallets_minor - amount, escrow_minor=sums.escrow_minor + amount)
        case pa.FundsReleased(gross_minor=gross, fee_minor=fee, net_minor=net):
            return replace(
                sums,
                escrow_minor=sums.escrow_minor - gross,
                available_minor=sums.available_minor + net,
                fees_minor=sums.fees_minor + fee,
            )
        case pa.FundsRefunded(amount_minor=amount):
            return replace(sums, escrow_minor=sums.escrow_minor - amount, wallets_minor=sums.wallets_minor + amount)
        case pa.WithdrawalRequested(amount_minor=amount):
            return replace(
                sums, available_minor=sums.available_minor - amount, reserved_minor=sums.reserved_minor + amount
            )
        case pa.WithdrawalPaid(amount_minor=amount):
            return replace(
                sums, reserved_minor=sums.reserved_minor - amount, paid_out_minor=sums.paid_out_minor + amount
            )
        case ca.CampaignPublished(budget_minor=amount):
            return replace(sums, budget_minor=sums.budget_minor + amount)
        case ad.DealAgreed(amount_minor=amount):
            return replace(sums, committed_minor=sums.committed_minor + amount)
        case ad.DealCompleted(amount_minor=amount):
            return replace(sums, committed_minor=sums.committed_minor - amount, spent_minor=sums.spent_minor + amount)
        case ad.DealCancelled(amount_minor=amount):
            return replace(sums, committed_minor=sums.committed_minor - amount)
        case _:
            return sums


def _ratings(stars: counting.Stars, event: object) -> counting.Stars:
    return counting.rated(counting.rated(stars, event, "sponsor"), event, "influencer")


COUNTERS = counting.counters(
    (counting.STANDING, {"users": _users}),
    (
        ca.MESSAGES.values(),
        {
            "campaigns": counting.campaigns,
            "visibility": _visibility,
            "applications": counting.applications,
            "money": _money,
        },
    ),
    (
        ad.MESSAGES.values(),
        {"ad_requests": counting.ad_requests, "deals": counting.deals, "money": _money, "ratings": _ratings},
    ),
    (pa.MESSAGES.values(), {"money": _money}),
    (moderation.MESSAGES.values(), {"flagged": _flagged}),
)
LISTENS: tuple[type, ...] = tuple(COUNTERS)
