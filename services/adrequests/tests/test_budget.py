"""D9, N10: a budget that cannot be exceeded; free + committed + spent = total at every version."""

import hypothesis
import pytest
from hypothesis import strategies

from services.adrequests.domain import budget
from services.adrequests.domain.budget import (
    Budget,
    BudgetCommitted,
    BudgetOpened,
    CommitBudget,
    CommitmentReleased,
    CommitmentSpent,
    CommittedBefore,
    OpenBudget,
    OverBudget,
    ReleaseCommitment,
    SpendCommitment,
)
from services.adrequests.tests.samples import CAMPAIGN, DEAL, SPONSOR
from shared.kernel.rejected import Kind, Rejected
from shared.testing.scenario import assert_total, given

opened = BudgetOpened(CAMPAIGN, SPONSOR, 100, "EUR")
committed = BudgetCommitted(CAMPAIGN, DEAL, 60)
released = CommitmentReleased(CAMPAIGN, DEAL, 60)
spent = CommitmentSpent(CAMPAIGN, DEAL, 60)

open_it = OpenBudget(CAMPAIGN, SPONSOR, 100, "EUR")
commit = CommitBudget(CAMPAIGN, DEAL, 60)
release = ReleaseCommitment(CAMPAIGN, DEAL)
spend = SpendCommitment(CAMPAIGN, DEAL)


def test_a_budget_opens_once() -> None:
    given(budget).when(open_it).then(opened).state_is(total_minor=100, free_minor=100, committed_minor=0, spent_minor=0)
    given(budget, opened).when(open_it).then()


def test_a_commitment_takes_what_is_free() -> None:
    given(budget, opened).when(commit).then(committed).state_is(free_minor=40, committed_minor=60, spent_minor=0)
    given(budget, opened).when(CommitBudget(CAMPAIGN, DEAL, 100)).state_is(free_minor=0, committed_minor=100)


@pytest.mark.parametrize("amount", [41, 100, 0, -1])
def test_over_budget_is_refused(amount: int) -> None:
    given(budget, opened, committed).when(CommitBudget(CAMPAIGN, "deal-2", amount)).refused(OverBudget)
    assert OverBudget.kind is Kind.STATE


def test_without_a_budget_nothing_can_be_committed() -> None:
    given(budget).when(commit).refused(OverBudget)


def test_a_deal_is_committed_to_once() -> None:
    given(budget, opened, committed).when(CommitBudget(CAMPAIGN, DEAL, 1)).refused(CommittedBefore)


def test_a_commitment_is_released_or_spent_once() -> None:
    given(budget, opened, committed).when(release).then(released).state_is(free_minor=100, committed_minor=0)
    given(budget, opened, committed).when(spend).then(spent).state_is(free_minor=40, spent_minor=60, committed_minor=0)
    for end in (released, spent):
        for command in (release, spend):
            given(budget, opened, committed, end).when(command).then()
    given(budget).when(release).then()


def test_evolving_refuses_nothing() -> None:
    assert_total(budget, [opened, committed, released, spent])


deal = strategies.sampled_from(["deal-1", "deal-2", "deal-3"])
step = strategies.one_of(
    strategies.builds(CommitBudget, strategies.just(CAMPAIGN), deal, strategies.integers(-5, 120)),
    strategies.builds(ReleaseCommitment, strategies.just(CAMPAIGN), deal),
    strategies.builds(SpendCommitment, strategies.just(CAMPAIGN), deal),
)


@hypothesis.given(strategies.lists(step, max_size=30))
def test_free_and_committed_and_spent_are_the_total_after_every_event(commands: list[budget.Command]) -> None:
    state = budget.evolve(budget.INITIAL, opened)
    for command in commands:
        try:
            events = budget.decide(command, state)
        except Rejected:
            continue
        for event in events:
            state = budget.evolve(state, event)
            assert isinstance(state, Budget)
            assert state.free_minor + state.committed_minor + state.spent_minor == state.total_minor
            assert min(state.free_minor, state.committed_minor, state.spent_minor) >= 0
