"""Deals that wait for a top-up, in order."""

import hypothesis
from hypothesis import strategies

from services.payments.domain import waiting
from services.payments.domain.waiting import JoinLine, LeaveLine, Line, fitting
from services.payments.tests.samples import DEAL, LINE, joined, left
from shared.testing.scenario import assert_total, given


def test_a_deal_joins_once_and_leaves_once() -> None:
    given(waiting).when(JoinLine(LINE, DEAL, 50_000)).then(joined).state_is(deals={DEAL: 50_000})
    given(waiting, joined).when(JoinLine(LINE, DEAL, 50_000)).then()
    given(waiting, joined).when(LeaveLine(LINE, DEAL)).then(left).state_is(deals={})
    given(waiting, joined, left).when(LeaveLine(LINE, DEAL)).then()


def test_what_fits_is_served_in_order_and_a_small_one_passes_one_that_does_not_fit() -> None:
    line = Line({"first": 50, "large": 500, "small": 30, "last": 30})
    assert fitting(line, 0) == []
    assert fitting(line, 49) == ["small"]
    assert fitting(line, 80) == ["first", "small"]
    assert fitting(line, 610) == ["first", "large", "small", "last"]


def test_evolving_refuses_nothing() -> None:
    assert_total(waiting, [joined, left])


@hypothesis.given(
    strategies.dictionaries(strategies.text(min_size=1), strategies.integers(1, 100)), strategies.integers(0, 500)
)
def test_never_more_is_served_than_there_is_and_nothing_more_would_fit(deals: dict[str, int], available: int) -> None:
    served = fitting(Line(deals), available)
    rest = available - sum(deals[id] for id in served)
    assert rest >= 0
    assert all(amount > rest for id, amount in deals.items() if id not in served)
