"""Terms: what is to be made for how much. A version of them is never changed, only followed by another."""

import json
from hashlib import sha256

from shared.kernel import amount
from shared.kernel.record import record
from shared.kernel.rejected import Kind, Rejected

DELIVERABLE_LIMIT = 2_000  # characters

SPONSOR = "sponsor"
INFLUENCER = "influencer"


@record
class Parties:
    """The two sides of an ad request and its deal, and the campaign that it belongs to."""

    campaign_id: str
    sponsor_id: str
    influencer_id: str


def side_of(parties: Parties, account_id: str) -> str | None:
    """Return the side on which an account stands; None for everybody else."""
    return {parties.sponsor_id: SPONSOR, parties.influencer_id: INFLUENCER}.get(account_id)


def other(side: str) -> str:
    """Return the opposite side."""
    return INFLUENCER if side == SPONSOR else SPONSOR


@record
class Terms:
    """`deliverable` says what is to be made, in words of business that both sides and analytics may keep for ever."""

    amount_minor: int
    currency: str
    deliverable: str


def hash_of(terms: Terms) -> str:
    """Return the SHA-256, in hex, of the terms as JSON: sorted names, no spaces, UTF-8. What both accept is this."""
    fields = {"amount_minor": terms.amount_minor, "currency": terms.currency, "deliverable": terms.deliverable}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


class CurrencyNotTheCampaigns(Rejected):
    code = "currency-not-the-campaigns"
    kind = Kind.VALUE
    field = "currency"
    text = "The campaign pays in {currency}."


class DeliverableMissing(Rejected):
    code = "deliverable-missing"
    kind = Kind.VALUE
    field = "deliverable"
    text = "The deliverable must say what is to be made."


class DeliverableTooLong(Rejected):
    code = "deliverable-too-long"
    kind = Kind.VALUE
    field = "deliverable"
    text = "The deliverable must not be longer than {limit} characters."


def checked(terms: Terms, currency: str) -> Terms:
    """Return the terms as they are, or refuse the first value that cannot be; `currency` is the campaign's."""
    amount.must_be_usable(terms.amount_minor, terms.currency)
    if terms.currency != currency:
        raise CurrencyNotTheCampaigns(currency=currency)
    if not terms.deliverable.strip():
        raise DeliverableMissing
    if len(terms.deliverable) > DELIVERABLE_LIMIT:
        raise DeliverableTooLong(limit=DELIVERABLE_LIMIT)
    return terms
