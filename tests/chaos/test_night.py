"""The report of a night, without a platform."""

import pytest

from tests.chaos.night import Run, report, seeds


@pytest.mark.parametrize(("text", "expected"), [("1-3", [1, 2, 3]), ("7", [7]), ("3,5-6", [3, 5, 6])])
def test_seeds_are_ranges_and_single_ones(text: str, expected: list[int]) -> None:
    assert seeds(text) == expected


@pytest.mark.parametrize("text", ["", "one", "3-1"])
def test_what_names_no_seed_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        seeds(text)


def test_the_report_counts_what_held_and_shows_what_a_broken_run_said() -> None:
    runs = [Run(1, True, 60.0, ["all is well"]), Run(2, False, 70.4, ["BROKEN money: 3 too many", "again: make chaos"])]
    text = report(runs, planned=3, commands=500, clients=32)
    assert text.startswith("# 1 of 3 seeds held: 500 commands by 32 clients each\n")
    assert "| 2 | **broken** | 70 | again: make chaos |" in text
    assert "BROKEN money: 3 too many" in text
