"""What a batch of entries is admitted to: where the log ends, and what is known, or taken for granted, of the rest.

Entries expect their streams to stand where they saw them, their claims to be free, their keys to be new. Mostly all of
that is true: they may be admitted to the world in which it is, if the statement that writes makes sure of it. That a
key is new the primary key of the answers makes sure of.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from shared.eventstore.entry import Answer, Entry, Reckoned
from shared.kernel.record import record

_TICK = timedelta(microseconds=1)

#: How far from the store's time at its commit a time may be that was reckoned without asking it.
RECKONED_WITHIN = timedelta(seconds=1)


@record
class Kept:
    """An answer that is kept for repeats of its key."""

    digest: bytes
    answer: Answer


@record
class Head:
    """Where the log ends. Each commit gives it a later `recorded_at`: no two states of it are alike."""

    epoch: str
    position: int
    hash: bytes
    recorded_at: datetime
    numbers: tuple[int, ...]

    def after(self, now: datetime) -> datetime:
        """Return the time of what comes next: the store's time `now`, but later than all before."""
        return max(now, self.recorded_at + _TICK)


@dataclass(slots=True)
class World:
    """What the batch expects as it stands under the lock; admitted entries change it for those behind them."""

    epoch: str
    position: int
    hash: bytes
    now: datetime
    numbers: list[int]
    versions: dict[str, int] = field(default_factory=dict)
    claims: dict[tuple[str, str], str] = field(default_factory=dict)
    answers: dict[str, Kept] = field(default_factory=dict)
    checkpoints: dict[tuple[str, str, int], tuple[str, int]] = field(default_factory=dict)
    deadlines: set[str] = field(default_factory=set)

    @classmethod
    def behind(cls, head: Head, now: datetime) -> Self:
        """Return the world whose log ends with `head`, of which nothing else is known yet."""
        return cls(head.epoch, head.position, head.hash, head.after(now), list(head.numbers))

    def is_as(self, reckoned: Reckoned) -> bool:
        """Tell whether the store is of that epoch, where a version says what a stream holds, and near that time."""
        return reckoned.epoch == self.epoch and abs(self.now - reckoned.now) <= RECKONED_WITHIN

    @property
    def head(self) -> Head:
        """Return where the log ends after the entries that were admitted."""
        return Head(self.epoch, self.position, self.hash, self.now, tuple(self.numbers))


@dataclass(slots=True)
class Granted:
    """What a batch takes for granted of a world that it has not read, each thing as its first entry that names it."""

    known: dict[str, int] = field(default_factory=dict)  # versions that nothing can have changed
    versions: dict[str, int] = field(default_factory=dict)
    claims: dict[tuple[str, str], str | None] = field(default_factory=dict)  # None: nobody's
    checkpoints: dict[tuple[str, str, int], tuple[str, int]] = field(default_factory=dict)
    deadlines: list[str] = field(default_factory=list)  # open

    def tell(self, world: World) -> None:
        """Make the world one in which all this is true."""
        world.versions |= self.known | self.versions
        world.claims |= {key: owner for key, owner in self.claims.items() if owner is not None}
        world.checkpoints |= self.checkpoints
        world.deadlines.update(self.deadlines)


def take_for_granted(entries: Iterable[Entry], known: Mapping[str, int]) -> Granted | None:
    """Return what the entries expect, or None where only reading can tell or a statement of their own is to be run.

    `known`: versions of streams that are so if the head is where it is thought to be.
    """
    granted = Granted()
    for entry in entries:
        if entry.writes:
            return None
        for event in entry.events:
            if event.stream not in entry.expects:
                return None
        for stream, version in entry.expects.items():
            if stream in known:
                granted.known[stream] = known[stream]
            else:
                granted.versions.setdefault(stream, version)
        for claim in entry.releases:
            granted.claims.setdefault((claim.scope, claim.value), claim.owner)
        for claim in entry.claims:
            granted.claims.setdefault((claim.scope, claim.value), None)
        for move in entry.moves:
            granted.checkpoints.setdefault((move.consumer, move.topic, move.partition), (move.epoch, move.after))
        if entry.fires is not None:
            granted.deadlines.append(entry.fires)
    return granted


def touched(entries: Iterable[Entry]) -> set[tuple[str, ...]]:
    """Return the names of all that the entries look at or change beside streams and idempotency keys."""
    names: set[tuple[str, ...]] = set()
    for entry in entries:
        if entry.claims or entry.releases:
            names.update(("claim", claim.scope, claim.value) for claim in (*entry.claims, *entry.releases))
        if entry.moves:
            names.update(("checkpoint", move.consumer, move.topic, str(move.partition)) for move in entry.moves)
        if entry.deadlines or entry.cleared or entry.fires:
            ids = (*entry.cleared, entry.fires or "", *(deadline.id for deadline in entry.deadlines))
            names.update(("deadline", id) for id in ids if id)
    return names
