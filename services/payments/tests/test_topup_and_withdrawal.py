"""S0-11, S0-17, N1: money in and money out, in amounts that can be."""

from dataclasses import replace

import pytest

from services.payments.domain import topup, withdrawal
from services.payments.domain.topup import ToppedUpBefore, TopUpWallet
from services.payments.domain.withdrawal import BelowMinimum, PayWithdrawal, RequestedBefore, RequestWithdrawal
from services.payments.tests.samples import INFLUENCER, SPONSOR, topped_up, withdrawal_paid, withdrawal_requested
from shared.kernel import amount
from shared.kernel.money import MAX_AMOUNT_MINOR
from shared.kernel.rejected import Kind, Rejected
from shared.testing.scenario import assert_total, given

top_up = TopUpWallet("topup-1", SPONSOR, 80_000, "EUR")
withdraw = RequestWithdrawal("withdrawal-1", INFLUENCER, 45_000, "EUR")
pay = PayWithdrawal("withdrawal-1", "sandbox")

BAD_AMOUNTS = [
    (0, "EUR", amount.AmountNotPositive, "amount_minor"),
    (-1, "EUR", amount.AmountNotPositive, "amount_minor"),
    (MAX_AMOUNT_MINOR + 1, "EUR", amount.AmountTooLarge, "amount_minor"),
    (5_000, "XXX", amount.CurrencyUnknown, "currency"),
]


def test_a_top_up_brings_its_money_once() -> None:
    given(topup).when(top_up).then(topped_up)
    given(topup, topped_up).when(top_up).refused(ToppedUpBefore)
    assert_total(topup, [topped_up])


@pytest.mark.parametrize(("minor", "currency", "refusal", "field"), BAD_AMOUNTS)
def test_an_amount_that_cannot_be_is_refused(minor: int, currency: str, refusal: type[Rejected], field: str) -> None:
    given(topup).when(replace(top_up, amount_minor=minor, currency=currency)).refused(refusal)
    given(withdrawal).when(replace(withdraw, amount_minor=minor, currency=currency)).refused(refusal)
    assert (refusal.kind, refusal.field) == (Kind.VALUE, field)


def test_the_largest_top_up_is_fine() -> None:
    largest = replace(top_up, amount_minor=MAX_AMOUNT_MINOR)
    given(topup).when(largest).then(replace(topped_up, amount_minor=MAX_AMOUNT_MINOR))


def test_a_withdrawal_is_requested_once_and_paid_once() -> None:
    given(withdrawal).when(withdraw).then(withdrawal_requested).state_is(state="requested")
    given(withdrawal, withdrawal_requested).when(withdraw).refused(RequestedBefore)
    given(withdrawal, withdrawal_requested).when(pay).then(withdrawal_paid).state_is(state="paid")
    given(withdrawal, withdrawal_requested, withdrawal_paid).when(pay).then()
    given(withdrawal).when(pay).then()
    assert_total(withdrawal, [withdrawal_requested, withdrawal_paid])


@pytest.mark.parametrize(("currency", "minimum"), [("EUR", 1_000), ("USD", 1_000), ("JPY", 10)])
def test_a_withdrawal_is_ten_units_at_the_least(currency: str, minimum: int) -> None:
    smallest = replace(withdraw, amount_minor=minimum, currency=currency)
    given(withdrawal).when(smallest).then(replace(withdrawal_requested, amount_minor=minimum, currency=currency))
    given(withdrawal).when(replace(smallest, amount_minor=minimum - 1)).refused(BelowMinimum, minimum_minor=minimum)
    assert (BelowMinimum.kind, BelowMinimum.field) == (Kind.VALUE, "amount_minor")
