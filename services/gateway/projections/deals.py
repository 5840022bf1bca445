"""Deals: the accepted terms, how far the work is, and where the money is.

The work is told by adrequests, the money by payments, under different keys: each changes only fields of its own.
"""

from datetime import datetime
from typing import Any

from shared.contracts import adrequests as ad
from shared.contracts import payments as pa
from shared.kernel.record import record, replace

NAME = "deals"

LISTENS: tuple[type, ...] = (
    ad.DealAgreed, ad.FundingFellShort, ad.DealFunded, ad.WorkSubmitted, ad.ChangesRequested, ad.WorkApproved,
    ad.DealCompleted, ad.DealCancelled, ad.RatingGiven, ad.RatingsPublished, ad.RatingsExpired,
    pa.FundsHeld, pa.FundingRefused, pa.ReleaseScheduled, pa.FundsReleased, pa.FundsRefunded, pa.EscrowVoided,
)  # fmt: skip


@record
class Terms:
    """What both agreed on; nothing changes it."""

    version: int
    amount_minor: int
    currency: str
    deliverable: str
    terms_hash: str
    accepted_by: str
    agreed_at: datetime


@record
class Escrow:
    """Where the money is: requested, waiting (the wallet is short), held, releasing, released, refunded, voided."""

    state: str = "requested"
    missing_minor: int | None = None  # while waiting: what was missing when it was asked for
    release_at: datetime | None = None
    fee_minor: int | None = None  # once released, like net
    net_minor: int | None = None


@record
class Work:
    """What was handed in."""

    submissions: int = 0
    post_url: str | None = None
    review_by: datetime | None = None
    changes: int = 0
    changes_allowed: int | None = None
    approved_automatically: bool | None = None


@record
class Ratings:
    """Sealed until both have rated or the time is over: open, published, expired."""

    state: str = "open"
    rate_by: datetime | None = None
    given_by_sponsor: bool = False
    given_by_influencer: bool = False
    stars_by_sponsor: int | None = None
    stars_by_influencer: int | None = None


@record
class Row:
    """One deal; `state` is '' until adrequests' first message has arrived."""

    deal_id: str = ""
    ad_request_id: str = ""
    campaign_id: str = ""
    sponsor_id: str = ""
    influencer_id: str = ""
    state: str = ""
    short: bool = False
    fund_by: datetime | None = None
    terms: Terms | None = None
    work: Work = Work()
    escrow: Escrow = Escrow()
    ratings: Ratings = Ratings()
    cancelled_for: str | None = None
    updated_at: datetime | None = None


def keys(event: Any) -> tuple[str, ...]:
    """Return the deal."""
    return (event.deal_id,)


def evolve(row: Row, key: str, event: Any, at: datetime) -> Row:
    """Return the deal after a message of either side."""
    row = replace(
        row,
        deal_id=key,
        ad_request_id=event.ad_request_id,
        campaign_id=event.campaign_id,
        sponsor_id=event.sponsor_id,
        influencer_id=event.influencer_id,
        updated_at=at if row.updated_at is None else max(at, row.updated_at),
        escrow=_escrow(row.escrow, event),
        ratings=_ratings(row.ratings, event),
        work=_work(row.work, event),
    )
    match event:
        case ad.DealAgreed():
            terms = Terms(
                event.version, event.amount_minor, event.currency, event.deliverable, event.terms_hash,
                event.accepted_by, at,
            )  # fmt: skip
            return replace(row, state="funding", fund_by=event.fund_by, terms=terms)
        case ad.FundingFellShort():
            return replace(row, short=True)
        case ad.DealFunded():
            return replace(row, state="funded", short=False, fund_by=None)
        case ad.WorkSubmitted():
            return replace(row, state="submitted")
        case ad.ChangesRequested():
            return replace(row, state="changes_requested")
        case ad.WorkApproved():
            return replace(row, state="approved")
        case ad.DealCompleted():
            return replace(row, state="completed")
        case ad.DealCancelled(reason=reason):
            return replace(row, state="cancelled", short=False, fund_by=None, cancelled_for=reason)
        case _:
            return row


def _work(work: Work, event: object) -> Work:
    match event:
        case ad.WorkSubmitted(submission=submission, post_url=post_url, review_by=review_by):
            return replace(work, submissions=submission, post_url=post_url, review_by=review_by)
        case ad.ChangesRequested(changes=changes, changes_allowed=allowed):
            return replace(work, changes=changes, changes_allowed=allowed, review_by=None)
        case ad.WorkApproved(automatic=automatic):
            return replace(work, approved_automatically=automatic, review_by=None)
        case _:
            return work


def _escrow(escrow: Escrow, event: object) -> Escrow:
    match event:
        case pa.FundingRefused(missing_minor=missing):
            return Escrow("waiting", missing_minor=missing)
        case pa.FundsHeld():
            return Escrow("held")
        case pa.ReleaseScheduled(release_at=release_at):
            return Escrow("releasing", release_at=release_at)
        case pa.FundsReleased(fee_minor=fee, net_minor=net):
            return replace(escrow, state="released", fee_minor=fee, net_minor=net)
        case pa.FundsRefunded():
            return Escrow("refunded")
        case pa.EscrowVoided():
            return Escrow("voided")
        case _:
            return escrow


def _ratings(ratings: Ratings, event: object) -> Ratings:
    match event:
        case ad.DealCompleted(rate_by=rate_by):
            return replace(ratings, rate_by=rate_by)
        case ad.RatingGiven(by_side="sponsor"):
            return replace(ratings, given_by_sponsor=True)
        case ad.RatingGiven(by_side="influencer"):
            return replace(ratings, given_by_influencer=True)
        case ad.RatingsPublished(stars_by_sponsor=by_sponsor, stars_by_influencer=by_influencer):
            return replace(ratings, state="published", stars_by_sponsor=by_sponsor, stars_by_influencer=by_influencer)
        case ad.RatingsExpired():
            return replace(ratings, state="expired")
        case _:
            return ratings
