"""Rests of those who follow, by a scheduler and a clock that the test moves."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from shared.messaging import resting
from shared.messaging.resting import LONGEST_SECONDS, SCHEDSTAT, SHORTEST_SECONDS, TIMER_SECONDS, Rest, kept_waiting

SECONDS = 0.02


class Machine:
    """Keeps every step waiting for a core for so long, and every sleeper too, and notes how long each rest was."""

    def __init__(self) -> None:
        self.waited = 100.0
        self.queue = 0.0
        self.rests: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.rests.append(seconds + TIMER_SECONDS)
        self.waited += 1.0  # waking up is no part of a step

    async def steps(self, rest: Rest, count: int = 50) -> None:
        for _ in range(count):
            self.waited += self.queue
            await rest.take(1)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(resting, "asyncio", SimpleNamespace(sleep=made.sleep))
    monkeypatch.setattr(resting, "kept_waiting", lambda: made.waited)
    return made


async def test_where_nobody_waits_for_a_core_a_rest_is_as_long_as_it_is_told(machine: Machine) -> None:
    await machine.steps(Rest(SECONDS, patience=1, full=500))
    assert machine.rests == pytest.approx([SECONDS] * 50)
    machine.rests.clear()
    await machine.steps(Rest(0, patience=2, full=500))
    assert machine.rests == []


async def test_rests_grow_while_cores_are_short_and_shrink_afterwards(machine: Machine) -> None:
    rest = Rest(0, patience=2, full=500)
    machine.queue = 0.004
    await machine.steps(rest)
    assert machine.rests == sorted(machine.rests)
    assert machine.rests[0] >= SHORTEST_SECONDS
    assert machine.rests[-1] == pytest.approx(2 * machine.queue, rel=0.1)
    machine.queue = 0.0
    machine.rests.clear()
    await machine.steps(rest)
    assert 0 < len(machine.rests) < 30


async def test_no_rest_is_longer_than_the_longest(machine: Machine) -> None:
    machine.queue = 3.0
    await machine.steps(Rest(SECONDS, patience=1, full=500))
    assert LONGEST_SECONDS < max(machine.rests) <= SECONDS + LONGEST_SECONDS


async def test_after_a_full_step_there_is_none(machine: Machine) -> None:
    await Rest(SECONDS, patience=1, full=500).take(500)
    assert machine.rests == []


def test_the_kernel_tells_how_long_a_thread_was_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path(SCHEDSTAT).exists():
        assert kept_waiting() == 0
        return
    allowed = os.sched_getaffinity(0)
    core = {min(allowed)}
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        os.sched_setaffinity(other.pid, core)
        os.sched_setaffinity(0, core)
        before, until = kept_waiting(), time.monotonic() + 30
        while kept_waiting() < before + 0.02 and time.monotonic() < until:
            pass
        assert kept_waiting() >= before + 0.02
    finally:
        os.sched_setaffinity(0, allowed)
        other.kill()
        other.wait()
    monkeypatch.setattr(resting, "SCHEDSTAT", "/proc/there/is/none")
    assert kept_waiting() == 0
