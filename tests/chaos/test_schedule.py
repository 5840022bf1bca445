"""The schedule of a seed, without a platform."""

import pytest

from tests.chaos.faults import INFRA, PAUSES, SERVICES, schedule

COMMANDS = 2_000


@pytest.mark.parametrize("seed", range(10))
def test_every_process_is_killed_in_every_seed(seed: int) -> None:
    faults = schedule(seed, COMMANDS)
    assert sorted(fault.victim for fault in faults if fault.seconds is None) == sorted((*SERVICES, *INFRA))
    assert sum(fault.seconds is not None for fault in faults) == PAUSES


def test_faults_come_one_after_another_while_the_market_is_open() -> None:
    places = [fault.after for fault in schedule(1, COMMANDS)]
    assert places == sorted(set(places))
    assert places[0] > 0
    assert places[-1] < COMMANDS


def test_a_seed_gives_its_schedule_again_and_no_others() -> None:
    assert schedule(1, COMMANDS) == schedule(1, COMMANDS)
    assert schedule(1, COMMANDS) != schedule(2, COMMANDS)
