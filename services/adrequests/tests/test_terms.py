"""D7: terms are hashed, and a value that cannot be is refused with its field."""

from dataclasses import replace
from hashlib import sha256

import pytest

from services.adrequests.domain import terms
from services.adrequests.domain.terms import Terms, checked, hash_of
from services.adrequests.tests.samples import PARTIES, TERMS
from shared.kernel import amount
from shared.kernel.money import MAX_AMOUNT_MINOR
from shared.kernel.rejected import Kind, Rejected


def test_anybody_can_recompute_the_hash() -> None:
    text = '{"amount_minor":100,"currency":"EUR","deliverable":"Ein schönes Reel"}'
    assert hash_of(Terms(100, "EUR", "Ein schönes Reel")) == sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("other", [{"amount_minor": 1}, {"currency": "USD"}, {"deliverable": "Two reels"}])
def test_any_change_of_the_terms_is_another_hash(other: dict[str, str | int]) -> None:
    assert hash_of(replace(TERMS, **other)) != hash_of(TERMS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bad", "refusal", "field"),
    [
        (replace(TERMS, amount_minor=0), amount.AmountNotPositive, "amount_minor"),
        (replace(TERMS, amount_minor=-5), amount.AmountNotPositive, "amount_minor"),
        (replace(TERMS, amount_minor=MAX_AMOUNT_MINOR + 1), amount.AmountTooLarge, "amount_minor"),
        (replace(TERMS, currency="XXX"), amount.CurrencyUnknown, "currency"),
        (replace(TERMS, currency="USD"), terms.CurrencyNotTheCampaigns, "currency"),
        (replace(TERMS, deliverable=" \n"), terms.DeliverableMissing, "deliverable"),
        (replace(TERMS, deliverable="x" * 2_001), terms.DeliverableTooLong, "deliverable"),
    ],
)
def test_terms_that_cannot_be_are_refused_with_their_field(bad: Terms, refusal: type[Rejected], field: str) -> None:
    with pytest.raises(refusal):
        checked(bad, "EUR")
    assert refusal.field == field
    assert refusal.kind is Kind.VALUE


def test_terms_at_the_limits_are_fine() -> None:
    for fine in (replace(TERMS, amount_minor=1), replace(TERMS, amount_minor=MAX_AMOUNT_MINOR)):
        assert checked(fine, "EUR") == fine


def test_everybody_stands_on_one_side_or_none() -> None:
    assert terms.side_of(PARTIES, "sponsor-1") == "sponsor"
    assert terms.side_of(PARTIES, "influencer-1") == "influencer"
    assert terms.side_of(PARTIES, "stranger-1") is None
    assert [terms.other("sponsor"), terms.other("influencer")] == ["influencer", "sponsor"]
