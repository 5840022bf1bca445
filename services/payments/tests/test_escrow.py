"""D5, N2: one hold, one outcome; every command may come twice."""

from dataclasses import replace
from datetime import timedelta

import hypothesis
from hypothesis import strategies

from services.payments.domain import escrow
from services.payments.domain.escrow import (
    ApproveRelease,
    CancelEscrow,
    Command,
    Escrow,
    Event,
    FundsReleased,
    HoldFunds,
    ReleaseFunds,
    RequestEscrow,
)
from services.payments.tests.samples import (
    DEAL,
    HOLD,
    NOW,
    OF,
    OF_ESCROW,
    held,
    refunded,
    refused,
    released,
    requested,
    scheduled,
    voided,
)
from shared.testing.scenario import assert_total, given

request = RequestEscrow(DEAL, OF, 1_000)
hold = HoldFunds(DEAL, 50_000)
hold_short = HoldFunds(DEAL, 30_000)
approve = ApproveRelease(DEAL, NOW, NOW)
approve_and_wait = ApproveRelease(DEAL, NOW, NOW, HOLD)
release = ReleaseFunds(DEAL, NOW + HOLD)
cancel = CancelEscrow(DEAL, OF)
COMMANDS: list[Command] = [request, hold, hold_short, approve, approve_and_wait, release, cancel]

HELD: tuple[Event, ...] = (requested, held)
WAITING: tuple[Event, ...] = (requested, refused)
RELEASING: tuple[Event, ...] = (*HELD, scheduled)
ENDS: list[tuple[Event, ...]] = [(*HELD, released), (*HELD, refunded), (requested, voided), (voided,)]


def test_an_escrow_is_requested_once() -> None:
    given(escrow).when(request).then(requested).state_is(state="requested", fee_basis_points=1_000)
    given(escrow, requested).when(request).then()


def test_what_the_wallet_covers_is_held_once() -> None:
    given(escrow, requested).when(hold).then(held).state_is(state="held")
    given(escrow, *HELD).when(hold).then()


def test_what_it_does_not_cover_is_refused_by_a_fact_with_what_is_missing_and_once() -> None:
    given(escrow, requested).when(hold_short).then(refused).state_is(state="requested", refused=True)
    given(escrow, *WAITING).when(hold_short).then()
    given(escrow, *WAITING).when(hold).then(held).state_is(state="held", refused=False)


def test_approved_work_is_paid_at_once_or_after_the_hold() -> None:
    given(escrow, *HELD).when(approve).then(released).state_is(state="released")
    given(escrow, *HELD).when(approve_and_wait).then(scheduled).state_is(state="releasing", release_at=NOW + HOLD)
    late = replace(approve_and_wait, at=NOW + HOLD)  # the message was read late: the hold counts from the approval
    given(escrow, *HELD).when(late).then(released)


def test_after_the_hold_it_is_released_once_and_never_too_early() -> None:
    given(escrow, *RELEASING).when(release).then(replace(released, previous="releasing")).state_is(state="released")
    given(escrow, *RELEASING).when(replace(release, at=release.at - timedelta(seconds=1))).then()
    given(escrow, *RELEASING).when(approve).then()


def test_the_fee_is_the_one_that_stood_when_the_deal_was_agreed() -> None:
    dear = replace(requested, fee_basis_points=2_550)
    given(escrow, dear, held).when(approve).then(FundsReleased(OF, 12_750, 37_250, "held"))
    free = replace(requested, fee_basis_points=0)
    given(escrow, free, held).when(approve).then(FundsReleased(OF, 0, 50_000, "held"))


def test_a_cancelled_deal_gets_back_what_is_held_and_asks_no_more() -> None:
    given(escrow, *HELD).when(cancel).then(refunded).state_is(state="refunded")
    given(escrow, requested).when(cancel).then(voided).state_is(state="voided")
    given(escrow, *WAITING).when(cancel).then(voided).state_is(state="voided", refused=False)


def test_what_is_promised_to_the_influencer_is_not_taken_back() -> None:
    given(escrow, *RELEASING).when(cancel).then()


def test_a_deal_that_ended_before_it_was_known_leaves_a_tombstone() -> None:
    given(escrow).when(cancel).then(voided).state_is(state="voided")
    given(escrow, voided).when(request).then()


def test_without_money_nothing_is_released() -> None:
    for before in ((), (requested,), WAITING):
        for command in (approve, approve_and_wait, release):
            given(escrow, *before).when(command).then()
    given(escrow).when(hold).then()


def test_after_the_end_nothing_happens() -> None:
    for before in ENDS:
        for command in COMMANDS:
            given(escrow, *before).when(command).then()


def test_evolving_refuses_nothing() -> None:
    assert_total(escrow, OF_ESCROW)


@hypothesis.given(strategies.lists(strategies.sampled_from(COMMANDS), max_size=25))
def test_whatever_comes_in_whatever_order_there_is_one_outcome(commands: list[Command]) -> None:
    state, outcomes, holds = escrow.INITIAL, 0, 0
    for command in commands:
        for event in escrow.decide(command, state):
            state = escrow.evolve(state, event)
            holds += event == held
            outcomes += isinstance(event, escrow.FundsReleased | escrow.FundsRefunded | escrow.EscrowVoided)
        assert escrow.decide(command, state) == []  # the same command twice changes nothing
    assert holds <= 1
    assert outcomes <= 1
    if isinstance(state, Escrow) and state.state in ("released", "refunded"):
        assert holds == 1
