"""Ad requests: what was offered, version by version, and whose turn it is."""

from datetime import datetime
from typing import Any

from services.gateway.projections.counting import other
from shared.contracts import adrequests as ad
from shared.kernel.record import record, replace

NAME = "ad_requests"

LISTENS: tuple[type, ...] = (
    ad.OfferSent, ad.OfferCountered, ad.OfferDeclined, ad.OfferWithdrawn, ad.OfferExpired, ad.OfferDeadlineExtended,
    ad.DealAgreed,
)  # fmt: skip


@record
class Offer:
    """One version of the terms, which never changes; amount in minor units."""

    version: int
    by_side: str
    amount_minor: int
    currency: str
    deliverable: str
    terms_hash: str
    offered_at: datetime


@record
class Row:
    """One ad request; its current terms are the last of `offers`."""

    ad_request_id: str = ""
    campaign_id: str = ""
    sponsor_id: str = ""
    influencer_id: str = ""
    state: str = ""
    turn: str | None = None  # whose answer is waited for, while it is open
    expires_at: datetime | None = None  # while it is open
    version: int = 0
    amount_minor: int = 0
    currency: str = ""
    deliverable: str = ""
    offers: tuple[Offer, ...] = ()
    deal_id: str | None = None
    updated_at: datetime | None = None


def keys(event: Any) -> tuple[str, ...]:
    """Return the ad request."""
    return (event.ad_request_id,)


def evolve(row: Row, key: str, event: Any, at: datetime) -> Row:
    """Return the ad request after its next step; all of them have one key, so they come in order."""
    row = replace(
        row,
        ad_request_id=key,
        campaign_id=event.campaign_id,
        sponsor_id=event.sponsor_id,
        influencer_id=event.influencer_id,
        updated_at=at,
    )
    match event:
        case ad.OfferSent():
            return _offered(row, "sent", event, at)
        case ad.OfferCountered():
            return _offered(row, "countered", event, at)
        case ad.OfferDeadlineExtended():
            return replace(row, expires_at=event.expires_at)
        case ad.OfferDeclined():
            return _ended(row, "declined")
        case ad.OfferWithdrawn():
            return _ended(row, "withdrawn")
        case ad.OfferExpired():
            return _ended(row, "expired")
        case ad.DealAgreed():
            return replace(_ended(row, "accepted"), deal_id=event.deal_id)
        case _:
            return row


def _offered(row: Row, state: str, event: ad.OfferSent | ad.OfferCountered, at: datetime) -> Row:
    offer = Offer(
        event.version, other(event.turn), event.amount_minor, event.currency, event.deliverable, event.terms_hash, at
    )
    return replace(
        row,
        state=state,
        turn=event.turn,
        expires_at=event.expires_at,
        version=event.version,
        amount_minor=event.amount_minor,
        currency=event.currency,
        deliverable=event.deliverable,
        offers=(*row.offers, offer),
    )


def _ended(row: Row, state: str) -> Row:
    return replace(row, state=state, turn=None, expires_at=None)
