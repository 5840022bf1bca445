"""What a bench measures and says: rounds, ratios within a round, their median and spread, and the bar."""

import os
import sys
from collections.abc import Callable, Sequence
from statistics import median

from shared.kernel.record import record

ROUNDS = int(os.environ.get("ROUNDS", "5"))


@record
class Figure:
    """A ratio that is published: `values` has one per round; `at_least` tells on which side of the bar is good."""

    name: str
    values: tuple[float, ...]
    bar: float
    at_least: bool = True

    @property
    def value(self) -> float:
        return median(self.values)

    @property
    def met(self) -> bool:
        return self.value >= self.bar if self.at_least else self.value <= self.bar


def say(text: str) -> None:
    """Report progress, apart from the figures."""
    print(text, file=sys.stderr, flush=True)


def measure(ways: dict[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, tuple[float, ...]]:
    """Measure every way once per round, one after the other, so that all meet the same moods of the machine.

    Every second round goes backwards. Returns the rates (per second) of each way, a value per round.
    """
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        order = list(ways) if number % 2 == 0 else list(reversed(ways))
        for name in order:
            rates[name].append(ways[name]())
            say(f"round {number + 1} of {rounds}: {name:<34} {rates[name][-1]:12,.1f}")
    return {name: tuple(values) for name, values in rates.items()}


def ratio(
    name: str, rates: dict[str, tuple[float, ...]], of: str, to: str, bar: float, *, at_least: bool = True
) -> Figure:
    """Return a figure: what `of` reached for each one that `to` reached in the same round."""
    return Figure(name, tuple(a / b for a, b in zip(rates[of], rates[to], strict=True)), bar, at_least)


def table(rates: dict[str, tuple[float, ...]], unit: str) -> None:
    """Print medians and spreads."""
    print(f"\n{'measured':<36} {'median':>12} {'lowest':>12} {'highest':>12}  {unit}")
    for name, values in rates.items():
        print(f"{name:<36} {median(values):12,.1f} {min(values):12,.1f} {max(values):12,.1f}")


def report(rates: dict[str, tuple[float, ...]], unit: str, figures: Sequence[Figure]) -> int:
    """Print medians and spreads, then `figure value bar` lines; return the exit status: 1 where a bar is missed."""
    table(rates, unit)
    print(f"\n{'figure':<36} {'value':>12} {'bar':>12}  (lowest and highest round)")
    for figure in figures:
        bar = f"{'>=' if figure.at_least else '<='} {figure.bar:g}"
        spread = f"({min(figure.values):.2f} to {max(figure.values):.2f})"
        print(f"{figure.name:<36} {figure.value:12.2f} {bar:>12}  {spread} {'' if figure.met else 'MISSED'}")
    return 0 if all(figure.met for figure in figures) else 1
