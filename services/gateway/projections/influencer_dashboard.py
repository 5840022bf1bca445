"""An influencer's figures: applications, ad requests, deals, earnings and ratings."""

from dataclasses import field
from datetime import datetime
from typing import Any

from services.gateway.projections import counting
from shared.contracts import adrequests as ad
from shared.contracts import campaigns as ca
from shared.contracts import payments as pa
from shared.kernel.record import record, replace

NAME = "influencer_dashboard"


@record
class Earnings:
    """Of one currency, in minor units."""

    pending_minor: int = 0  # in escrow, before the platform's fee
    available_minor: int = 0
    reserved_minor: int = 0  # withdrawals under way
    paid_out_minor: int = 0
    earned_minor: int = 0  # released so far, after the fee
    fees_minor: int = 0


@record
class Row:
    """One influencer. `ratings` are those that sponsors gave."""

    influencer_id: str = ""
    account: counting.Standing = counting.Standing()
    applications: counting.Applications = counting.Applications()
    ad_requests: counting.AdRequests = counting.AdRequests()
    deals: counting.Deals = counting.Deals()
    earnings: dict[str, Earnings] = field(default_factory=dict)
    ratings: counting.Stars = counting.Stars()


def keys(event: Any) -> tuple[str, ...]:
    """Return the influencer; accounts of another role have no row."""
    if type(event) in counting.STANDING:
        return (event.account_id,) if event.role == "influencer" else ()
    return (event.influencer_id,)


def evolve(row: Row, key: str, event: Any, at: datetime) -> Row:
    """Return the figures after a message; those of different keys may come in any order."""
    return counting.counted(row, COUNTERS, event, influencer_id=key)


def _earnings(earnings: dict[str, Earnings], event: object) -> dict[str, Earnings]:
    return counting.in_currency(earnings, event, Earnings(), _summed)


def _summed(sums: Earnings, event: object) -> Earnings:
    match event:
        case pa.FundsHeld(amount_minor=amount):
            return replace(sums, pending_minor=sums.pending_minor + amount)
        case pa.FundsReleased(gross_minor=gross, fee_minor=fee, net_minor=net):
            return replace(
                sums,
                pending_minor=sums.pending_minor - gross,
                available_minor=sums.available_minor + net,
                earned_minor=sums.earned_minor + net,
                fees_minor=sums.fees_minor + fee,
            )
        case pa.FundsRefunded(amount_minor=amount):
            return replace(sums, pending_minor=sums.pending_minor - amount)
        case pa.WithdrawalRequested(amount_minor=amount):
            return replace(
                sums, available_minor=sums.available_minor - amount, reserved_minor=sums.reserved_minor + amount
            )
        case pa.WithdrawalPaid(amount_minor=amount):
            return replace(
                sums, reserved_minor=sums.reserved_minor - amount, paid_out_minor=sums.paid_out_minor + amount
            )
        case _:
            return sums


def _ratings(stars: counting.Stars, event: object) -> counting.Stars:
    return counting.rated(stars, event, "sponsor")


COUNTERS = counting.counters(
    (counting.STANDING, {"account": counting.standing}),
    (
        (ca.ApplicationSubmitted, ca.ApplicationWithdrawn, ca.ApplicationAccepted, ca.ApplicationRejected),
        {"applications": counting.applications},
    ),
    (
        ad.MESSAGES.values(),
        {"ad_requests": counting.ad_requests, "deals": counting.deals, "ratings": _ratings},
    ),
    (
        (pa.FundsHeld, pa.FundsReleased, pa.FundsRefunded, pa.WithdrawalRequested, pa.WithdrawalPaid),
        {"earnings": _earnings},
    ),
)
LISTENS: tuple[type, ...] = tuple(COUNTERS)
