"""A sponsor's figures: campaigns, applications, ad requests, deals, money and ratings."""

from dataclasses import field
from datetime import datetime
from typing import Any

from services.gateway.projections import counting
from shared.contracts import adrequests as ad
from shared.contracts import campaigns as ca
from shared.contracts import payments as pa
from shared.kernel.record import record, replace

NAME = "sponsor_dashboard"


@record
class Money:
    """Of one currency, in minor units; sums over everything that this sponsor ever did."""

    topped_up_minor: int = 0
    wallet_minor: int = 0
    escrow_minor: int = 0
    released_minor: int = 0  # paid out of escrow to influencers, the platform's fee included
    refunded_minor: int = 0
    budget_minor: int = 0  # of all campaigns that were published
    committed_minor: int = 0  # of budgets: in deals under way
    spent_minor: int = 0  # of budgets: in completed deals


@record
class Row:
    """One sponsor. `ratings` are those that influencers gave."""

    sponsor_id: str = ""
    account: counting.Standing = counting.Standing()
    campaigns: counting.Campaigns = counting.Campaigns()
    applications: counting.Applications = counting.Applications()
    ad_requests: counting.AdRequests = counting.AdRequests()
    deals: counting.Deals = counting.Deals()
    money: dict[str, Money] = field(default_factory=dict)
    ratings: counting.Stars = counting.Stars()


def keys(event: Any) -> tuple[str, ...]:
    """Return the sponsor; accounts of another role have no row."""
    if type(event) in counting.STANDING:
        return (event.account_id,) if event.role == "sponsor" else ()
    return (event.sponsor_id,)


def evolve(row: Row, key: str, event: Any, at: datetime) -> Row:
    """Return the figures after a message; those of different keys may come in any order."""
    return counting.counted(row, COUNTERS, event, sponsor_id=key)


def _money(money: dict[str, Money], event: object) -> dict[str, Money]:
    return counting.in_currency(money, event, Money(), _summed)


def _summed(sums: Money, event: object) -> Money:
    match event:
        case pa.WalletToppedUp(amount_minor=amount):
            return replace(sums, topped_up_minor=sums.topped_up_minor + amount, wallet_minor=sums.wallet_minor + amount)
        case pa.FundsHeld(amount_minor=amount):
            return replace(sums, wallet_minor=sums.wallet_minor - amount, escrow_minor=sums.escrow_minor + amount)
        case pa.FundsReleased(gross_minor=amount):
            return replace(sums, escrow_minor=sums.escrow_minor - amount, released_minor=sums.released_minor + amount)
        case pa.FundsRefunded(amount_minor=amount):
            return replace(
                sums,
                escrow_minor=sums.escrow_minor - amount,
                wallet_minor=sums.wallet_minor + amount,
                refunded_minor=sums.refunded_minor + amount,
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
    return counting.rated(stars, event, "influencer")


COUNTERS = counting.counters(
    (counting.STANDING, {"account": counting.standing}),
    (
        ca.MESSAGES.values(),
        {"campaigns": counting.campaigns, "applications": counting.applications, "money": _money},
    ),
    (
        ad.MESSAGES.values(),
        {"ad_requests": counting.ad_requests, "deals": counting.deals, "money": _money, "ratings": _ratings},
    ),
    ((pa.WalletToppedUp, pa.FundsHeld, pa.FundsReleased, pa.FundsRefunded), {"money": _money}),
)
LISTENS: tuple[type, ...] = tuple(COUNTERS)
