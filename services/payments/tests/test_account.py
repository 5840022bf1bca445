"""D4, N1: accounts that never go below zero, and transfers whose sum is zero."""

from collections import Counter
from dataclasses import replace

import hypothesis
import pytest
from hypothesis import strategies

from services.payments.domain import account, escrow, transfer
from services.payments.domain.account import Credit, Credited, Debit, Debited, InsufficientFunds
from services.payments.tests.samples import (
    DEAL,
    INFLUENCER,
    NOW,
    OF,
    SPONSOR,
    held,
    refunded,
    released,
    topped_up,
    withdrawal_paid,
    withdrawal_requested,
)
from shared.kernel.rejected import Kind
from shared.testing.scenario import assert_total, given

WALLET = account.wallet(SPONSOR, "EUR")
FEES, CLEARING, PAYOUTS = account.fees("EUR"), account.clearing("EUR"), account.payouts("EUR")

credited = Credited(WALLET, "topup:1", "topup", 100, "EUR")
debited = Debited(WALLET, "hold:1", "hold", 60, "EUR")


def test_credits_less_debits_are_the_balance() -> None:
    given(account).when(Credit(WALLET, "topup:1", "topup", 100, "EUR")).then(credited).state_is(balance_minor=100)
    given(account, credited).when(Debit(WALLET, "hold:1", "hold", 60, "EUR")).then(debited).state_is(balance_minor=40)
    given(account, credited).when(Debit(WALLET, "hold:1", "hold", 100, "EUR")).state_is(balance_minor=0)


@pytest.mark.parametrize("amount", [41, 100_000])
def test_nobody_takes_more_than_there_is(amount: int) -> None:
    command = Debit(WALLET, "hold:2", "hold", amount, "EUR")
    given(account, credited, debited).when(command).refused(InsufficientFunds, available_minor=40)
    given(account).when(command).refused(InsufficientFunds, available_minor=0)
    assert InsufficientFunds.kind is Kind.STATE


@pytest.mark.parametrize("name", [CLEARING, PAYOUTS])
def test_what_mirrors_the_outside_may_go_below_zero(name: str) -> None:
    given(account).when(Debit(name, "topup:1", "topup", 100, "EUR")).state_is(balance_minor=-100)


def test_only_the_platforms_own_accounts_are_not_guarded() -> None:
    names = (WALLET, account.escrow(DEAL, "EUR"), account.available(INFLUENCER, "EUR"), account.reserved("i", "EUR"))
    assert all(account.is_guarded(name) for name in names)
    assert not any(account.is_guarded(name) for name in (FEES, CLEARING, PAYOUTS))


def test_evolving_refuses_nothing() -> None:
    assert_total(account, [credited, debited])


MOVES: list[tuple[transfer.Moving, dict[str, int]]] = [
    (topped_up, {CLEARING: -80_000, WALLET: 80_000}),
    (held, {WALLET: -50_000, account.escrow(DEAL, "EUR"): 50_000}),
    (
        released,
        {account.escrow(DEAL, "EUR"): -50_000, account.available(INFLUENCER, "EUR"): 45_000, FEES: 5_000},
    ),
    (refunded, {account.escrow(DEAL, "EUR"): -50_000, WALLET: 50_000}),
    (
        withdrawal_requested,
        {account.available(INFLUENCER, "EUR"): -45_000, account.reserved(INFLUENCER, "EUR"): 45_000},
    ),
    (withdrawal_paid, {account.reserved(INFLUENCER, "EUR"): -45_000, PAYOUTS: 45_000}),
]


def moved(made: transfer.Transfer) -> dict[str, int]:
    total: Counter[str] = Counter()
    for posting in made.postings:
        total[posting.account] += posting.amount_minor if isinstance(posting, Credit) else -posting.amount_minor
    return dict(total)


@pytest.mark.parametrize(("event", "expected"), MOVES)
def test_each_event_moves_what_it_says_and_no_more(event: transfer.Moving, expected: dict[str, int]) -> None:
    made = transfer.of(event)
    assert moved(made) == expected
    assert sum(moved(made).values()) == 0
    assert {posting.transfer_id for posting in made.postings} == {made.transfer_id}
    assert {posting.currency for posting in made.postings} == {"EUR"}


def test_every_transfer_has_its_own_id() -> None:
    assert len({transfer.of(event).transfer_id for event, _ in MOVES}) == len(MOVES)


@hypothesis.given(strategies.integers(0, 10_000), strategies.integers(1, 10**11))
def test_whatever_the_fee_a_release_is_zero_in_sum_and_empties_the_escrow(basis_points: int, amount: int) -> None:
    state = escrow.Escrow(replace(OF, amount_minor=amount), basis_points, "releasing", release_at=NOW)
    [event] = escrow.decide(escrow.ReleaseFunds(DEAL, NOW), state)
    assert isinstance(event, escrow.FundsReleased)
    assert event.gross_minor == amount
    assert min(event.fee_minor, event.net_minor) >= 0
    balances = moved(transfer.of(event))
    assert sum(balances.values()) == 0
    assert balances[account.escrow(DEAL, "EUR")] == -amount
    assert all(posting.amount_minor > 0 for posting in transfer.of(event).postings)
