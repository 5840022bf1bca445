"""Rests of those who follow, by a clock that the test moves."""

from types import SimpleNamespace

import pytest

from shared.messaging import resting
from shared.messaging.resting import LONGEST_SECONDS, TIMER_SECONDS, Rest

SECONDS = 0.002


class Clock:
    """Wakes whoever sleeps so much later than asked for, and notes how long each wanted to sleep."""

    def __init__(self) -> None:
        self.now = 100.0
        self.late = 0.0
        self.asked: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        self.now += seconds + self.late


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(resting, "asyncio", SimpleNamespace(sleep=made.sleep))
    monkeypatch.setattr(resting, "time", SimpleNamespace(perf_counter=lambda: made.now))
    return made


async def test_on_a_machine_that_is_idle_a_rest_is_as_long_as_it_is_told(clock: Clock) -> None:
    rest = Rest(SECONDS, full=500)
    clock.late = TIMER_SECONDS
    for _ in range(50):
        await rest.take(1)
    assert clock.asked == pytest.approx([SECONDS] * 50)


async def test_rests_grow_while_cores_are_short_and_shrink_afterwards(clock: Clock) -> None:
    rest = Rest(SECONDS, full=500)
    clock.late = TIMER_SECONDS + 0.001
    for _ in range(50):
        await rest.take(1)
    assert clock.asked == sorted(clock.asked)
    assert clock.asked[-1] > 5 * SECONDS
    clock.late = 0.0
    for _ in range(50):
        await rest.take(1)
    assert clock.asked[-1] == pytest.approx(SECONDS, rel=0.2)


async def test_no_rest_is_longer_than_the_longest(clock: Clock) -> None:
    rest = Rest(SECONDS, full=500)
    clock.late = 3.0
    for _ in range(50):
        await rest.take(1)
    assert max(clock.asked) == pytest.approx(SECONDS + LONGEST_SECONDS)


async def test_after_a_full_step_there_is_none(clock: Clock) -> None:
    await Rest(SECONDS, full=500).take(500)
    assert clock.asked == []
