"""Which public message each private event becomes, and under which routing key: always the ad request's.

What one commit brings about together is one message: the acceptance and the commitment of the budget are told as
DealAgreed, the spending as DealCompleted, the release as DealCancelled. A message has the fields of its event that it
names, those of nested records (`of`, `parties`, `terms`) laid flat; the stars of RatingGiven it does not name.
"""

from dataclasses import fields, is_dataclass
from typing import Any

from services.adrequests.domain import deal, negotiation, rating
from shared.contracts import adrequests as public

PUBLIC: dict[type, type] = {
    negotiation.OfferSent: public.OfferSent,
    negotiation.OfferCountered: public.OfferCountered,
    negotiation.OfferDeclined: public.OfferDeclined,
    negotiation.OfferWithdrawn: public.OfferWithdrawn,
    negotiation.OfferExpired: public.OfferExpired,
    negotiation.OfferDeadlineExtended: public.OfferDeadlineExtended,
    deal.DealAgreed: public.DealAgreed,
    deal.FundingFellShort: public.FundingFellShort,
    deal.DealFunded: public.DealFunded,
    deal.DealCancelled: public.DealCancelled,
    deal.WorkSubmitted: public.WorkSubmitted,
    deal.ChangesRequested: public.ChangesRequested,
    deal.WorkApproved: public.WorkApproved,
    deal.DealCompleted: public.DealCompleted,
    rating.RatingGiven: public.RatingGiven,
    rating.RatingsPublished: public.RatingsPublished,
    rating.RatingsExpired: public.RatingsExpired,
}


def publish(event: object) -> tuple[object, str] | None:
    """Return the public message of an event with its routing key, or None where it has none."""
    message = PUBLIC.get(type(event))
    if message is None:
        return None
    told = _flat(event)
    return message(**{field.name: told[field.name] for field in fields(message)}), told["ad_request_id"]


def _flat(value: Any) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for field in fields(value):
        part = getattr(value, field.name)
        told |= _flat(part) if is_dataclass(part) else {field.name: part}
    return told
