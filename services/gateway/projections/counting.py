"""What several dashboards count in the same way: things by state, and stars.

Every message says which state it ends and which it begins, so that a count needs to know nothing of other messages:
sums come out the same in whatever order the keys arrive. Overlays (suspended, short, whose turn) are counted beside
the states. Each function takes any message and returns the counts unchanged where they are not about it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from shared.contracts import adrequests as ad
from shared.contracts import campaigns as ca
from shared.contracts import identity
from shared.kernel.record import record, replace

C = TypeVar("C")
R = TypeVar("R")

#: The figures of a row that a message changes, each with what counts it.
Counters = Mapping[str, Callable[[Any, Any], Any]]

#: The messages that say how an account stands.
STANDING = frozenset({
    identity.AccountRegistered, identity.AccountApproved, identity.AccountRejected, identity.AccountRestricted,
    identity.AccountRestrictionLifted, identity.PersonErased,
})  # fmt: skip


@record
class Standing:
    """How an account stands: pending_approval, active, rejected or erased, and whether a restriction lies on it."""

    state: str = ""
    restricted: bool = False


@record
class Campaigns:
    """Campaigns by state; the suspended ones are counted in their state as well."""

    draft: int = 0
    active: int = 0
    completed: int = 0
    cancelled: int = 0
    suspended: int = 0


@record
class Applications:
    """Applications by state."""

    submitted: int = 0
    withdrawn: int = 0
    accepted: int = 0
    rejected: int = 0


@record
class AdRequests:
    """Ad requests by state; of the open ones also whose answer is waited for."""

    sent: int = 0
    countered: int = 0
    accepted: int = 0
    declined: int = 0
    withdrawn: int = 0
    expired: int = 0
    awaiting_sponsor: int = 0
    awaiting_influencer: int = 0


@record
class Deals:
    """Deals by state; those in funding for which the wallet held too little are short as well."""

    funding: int = 0
    funded: int = 0
    submitted: int = 0
    changes_requested: int = 0
    approved: int = 0
    completed: int = 0
    cancelled: int = 0
    short: int = 0


@record
class Stars:
    """Published ratings: how many, their sum, and the average to two digits, None where there is none."""

    count: int = 0
    total: int = 0
    average: float | None = None


def counters(*groups: tuple[Iterable[type], Counters]) -> dict[type, Counters]:
    """Return for each message what it counts in."""
    return {kind: figures for kinds, figures in groups for kind in kinds}


def counted(row: R, by_message: Mapping[type, Counters], event: Any, **fixed: Any) -> R:
    """Return the row after a message: those figures counted that it is about, and what is fixed set."""
    for name, count in by_message[type(event)].items():
        fixed[name] = count(getattr(row, name), event)
    return replace(row, **fixed)  # type: ignore[type-var]


def changed(counts: C, **by: int) -> C:
    """Return the counts with each named one changed by so much; raises AttributeError for a name that is none."""
    for name, delta in by.items():
        by[name] = getattr(counts, name) + delta
    return replace(counts, **by)  # type: ignore[type-var]


def moved(counts: C, previous: str, state: str) -> C:
    """Return the counts with one thing gone from `previous` to `state`."""
    return counts if previous == state else changed(counts, **{previous: -1, state: 1})


def other(side: str) -> str:
    """Return the other side of an ad request or deal."""
    return "influencer" if side == "sponsor" else "sponsor"


def campaigns(counts: Campaigns, event: object) -> Campaigns:
    """Count a campaign's step."""
    match event:
        case ca.CampaignDrafted():
            return changed(counts, draft=1)
        case ca.CampaignPublished(previous=previous):
            return moved(counts, previous, "active")
        case ca.CampaignCompleted(previous=previous):
            return moved(counts, previous, "completed")
        case ca.CampaignCancelled(previous=previous):
            return moved(counts, previous, "cancelled")
        case ca.CampaignSuspended():
            return changed(counts, suspended=1)
        case ca.CampaignReinstated():
            return changed(counts, suspended=-1)
        case _:
            return counts


def applications(counts: Applications, event: object) -> Applications:
    """Count an application's step: all of them lead away from `submitted`."""
    match event:
        case ca.ApplicationSubmitted():
            return changed(counts, submitted=1)
        case ca.ApplicationWithdrawn():
            return moved(counts, "submitted", "withdrawn")
        case ca.ApplicationAccepted():
            return moved(counts, "submitted", "accepted")
        case ca.ApplicationRejected():
            return moved(counts, "submitted", "rejected")
        case _:
            return counts


def ad_requests(counts: AdRequests, event: object) -> AdRequests:
    """Count an ad request's step, and whose turn it is."""
    match event:
        case ad.OfferSent(turn=turn):
            return changed(counts, sent=1, **{f"awaiting_{turn}": 1})
        case ad.OfferCountered(turn=turn, previous=previous):
            return moved(moved(counts, previous, "countered"), f"awaiting_{other(turn)}", f"awaiting_{turn}")
        case ad.OfferDeclined(by_side=side, previous=previous):
            return changed(moved(counts, previous, "declined"), **{f"awaiting_{side}": -1})
        case ad.OfferWithdrawn(by_side=side, previous=previous):
            return changed(moved(counts, previous, "withdrawn"), **{f"awaiting_{other(side)}": -1})
        case ad.OfferExpired(turn=turn, previous=previous):
            return changed(moved(counts, previous, "expired"), **{f"awaiting_{turn}": -1})
        case ad.DealAgreed(accepted_by=side, previous=previous):
            return changed(moved(counts, previous, "accepted"), **{f"awaiting_{side}": -1})
        case _:
            return counts


def deals(counts: Deals, event: object) -> Deals:
    """Count a deal's step."""
    match event:
        case ad.DealAgreed():
            return changed(counts, funding=1)
        case ad.FundingFellShort():
            return changed(counts, short=1)
        case ad.DealFunded(previous=previous, was_short=short):
            return changed(moved(counts, previous, "funded"), short=-1 if short else 0)
        case ad.WorkSubmitted(previous=previous):
            return moved(counts, previous, "submitted")
        case ad.ChangesRequested(previous=previous):
            return moved(counts, previous, "changes_requested")
        case ad.WorkApproved(previous=previous):
            return moved(counts, previous, "approved")
        case ad.DealCompleted(previous=previous):
            return moved(counts, previous, "completed")
        case ad.DealCancelled(previous=previous, was_short=short):
            return changed(moved(counts, previous, "cancelled"), short=-1 if short else 0)
        case _:
            return counts


def rated(stars: Stars, event: object, by_side: str) -> Stars:
    """Add the rating, of 1 to 5, that this side has given, where one is published and it has given one."""
    match event:
        case ad.RatingsPublished(stars_by_sponsor=by_sponsor, stars_by_influencer=by_influencer):
            given = by_sponsor if by_side == "sponsor" else by_influencer
            if given is not None:
                count, total = stars.count + 1, stars.total + given
                return Stars(count, total, round(total / count, 2))
            return stars
        case _:
            return stars


def standing(known: Standing, event: object) -> Standing:
    """Follow an account; all messages about one have one key, so they come in order."""
    match event:
        case identity.AccountRegistered(state=state):
            return Standing(state)
        case identity.AccountApproved():
            return replace(known, state="active")
        case identity.AccountRejected():
            return replace(known, state="rejected")
        case identity.AccountRestricted():
            return replace(known, restricted=True)
        case identity.AccountRestrictionLifted():
            return replace(known, restricted=False)
        case identity.PersonErased():
            return Standing("erased")
        case _:
            return known


def in_currency(sums: dict[str, C], event: object, zero: C, count: Callable[[C, Any], C]) -> dict[str, C]:
    """Return sums per currency, in the order of their codes, with a message counted in those of its own."""
    currency = getattr(event, "currency", "")
    before = sums.get(currency, zero)
    after = count(before, event)
    if after is before:
        return sums
    return {**sums, currency: after} if currency in sums else dict(sorted({**sums, currency: after}.items()))
