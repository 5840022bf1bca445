"""Who gets in: the pure heart of an append, run on what was read under the append lock or on what is taken for granted.

Entries expect their streams to stand where they saw them, their claims to be free, their keys to be new. Mostly all of
that is true: they may be admitted to the world in which it is, if the statement that writes makes sure of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

import msgspec

from shared.eventstore.chain import link
from shared.eventstore.entry import (
    Answer,
    Claim,
    Committed,
    Conflicted,
    Deadline,
    Entry,
    Gone,
    Mismatched,
    Move,
    NewEvent,
    Outcome,
    Outrun,
    Repeated,
    Taken,
    Write,
)
from shared.kernel.record import record
from shared.kernel.routing import partition_of

_metadata = msgspec.json.Encoder()
_TICK = timedelta(microseconds=1)


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

    @property
    def head(self) -> Head:
        """Return where the log ends after the entries that were admitted."""
        return Head(self.epoch, self.position, self.hash, self.now, tuple(self.numbers))


@dataclass(slots=True)
class Granted:
    """What a batch takes for granted of a world that it has not read, each thing as its first entry that names it."""

    versions: dict[str, int] = field(default_factory=dict)
    claims: dict[tuple[str, str], str | None] = field(default_factory=dict)  # None: nobody's
    keys: list[str] = field(default_factory=list)  # not answered yet
    checkpoints: dict[tuple[str, str, int], tuple[str, int]] = field(default_factory=dict)
    deadlines: list[str] = field(default_factory=list)  # open

    def tell(self, world: World) -> None:
        """Make the world one in which all this is true."""
        world.versions |= self.versions
        world.claims |= {key: owner for key, owner in self.claims.items() if owner is not None}
        world.checkpoints |= self.checkpoints
        world.deadlines.update(self.deadlines)


def take_for_granted(entries: Iterable[Entry]) -> Granted | None:
    """Return what the entries expect, or None where only reading can tell or a statement of their own is to be run."""
    granted = Granted()
    for entry in entries:
        if entry.writes or any(event.stream not in entry.expects for event in entry.events):
            return None
        for stream, version in entry.expects.items():
            granted.versions.setdefault(stream, version)
        for claim in entry.releases:
            granted.claims.setdefault((claim.scope, claim.value), claim.owner)
        for claim in entry.claims:
            granted.claims.setdefault((claim.scope, claim.value), None)
        for move in entry.moves:
            granted.checkpoints.setdefault((move.consumer, move.topic, move.partition), (move.epoch, move.after))
        if entry.request is not None:
            granted.keys.append(entry.request.key)
        if entry.fires is not None:
            granted.deadlines.append(entry.fires)
    return granted


@dataclass(slots=True)
class Batch:
    """The one write: rows of each table after all admitted entries, the last word on each key only."""

    outcomes: list[Outcome] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    claims: dict[tuple[str, str], str | None] = field(default_factory=dict)
    answers: list[tuple[str, bytes, int, bytes, str]] = field(default_factory=list)
    moves: dict[tuple[str, str, int], Move] = field(default_factory=dict)
    deadlines: dict[str, Deadline | None] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Tell whether nothing is to be written at all."""
        return not (self.events or self.claims or self.answers or self.moves or self.deadlines or self.writes)


def refusal(entry: Entry, world: World) -> Outcome | None:
    """Return why the entry may not come in, or None. A repeated key is answered first, whatever has changed."""
    if entry.request is not None and (kept := world.answers.get(entry.request.key)):
        return Repeated(kept.answer) if kept.digest == entry.request.digest else Mismatched()
    for move in entry.moves:
        epoch, number = world.checkpoints.get((move.consumer, move.topic, move.partition), ("", 0))
        if number != move.after or epoch not in ("", move.epoch):
            return Outrun(move)
    if entry.fires is not None and entry.fires not in world.deadlines:
        return Gone(entry.fires)
    for stream, version in entry.expects.items():
        if world.versions.get(stream, 0) != version:
            return Conflicted(stream)
    for claim in entry.claims:
        if world.claims.get((claim.scope, claim.value), claim.owner) != claim.owner:
            return Taken(claim)
    return None


class Admission:
    """Lets entries in, in order, and gives positions, versions, numbers, time and hashes to their events."""

    def __init__(self, world: World, service: str) -> None:
        self.world = world
        self.batch = Batch()
        self._service = service

    def admit(self, entries: Iterable[Entry]) -> Batch:
        """Decide each entry after those before it; the outcomes stand in the same order."""
        for entry in entries:
            self.batch.outcomes.append(refusal(entry, self.world) or self._commit(entry))
        return self.batch

    def _commit(self, entry: Entry) -> Committed:
        world, batch = self.world, self.batch
        metadata = _metadata.encode(entry.metadata)
        first, seen = world.position + 1, {}
        for event in entry.events:
            partition, number = self._store(event, metadata)
            if partition is not None:
                seen[partition] = number
        for claim in entry.releases:
            self._hold(claim, None)
        for claim in entry.claims:
            self._hold(claim, claim.owner)
        for move in entry.moves:
            key = (move.consumer, move.topic, move.partition)
            world.checkpoints[key] = (move.epoch, move.number)
            batch.moves[key] = move
        for gone in (*entry.cleared, *([entry.fires] if entry.fires else [])):
            world.deadlines.discard(gone)
            batch.deadlines[gone] = None
        for deadline in entry.deadlines:
            world.deadlines.add(deadline.id)
            batch.deadlines[deadline.id] = deadline
        batch.writes.extend(entry.writes)
        answer = entry.answer and Answer(
            entry.answer.status,
            entry.answer.body,
            ",".join(f"{self._service}:{p}:{world.epoch}:{n}" for p, n in sorted(seen.items())),
        )
        if entry.request is not None and answer is not None:
            world.answers[entry.request.key] = Kept(entry.request.digest, answer)
            batch.answers.append((entry.request.key, entry.request.digest, answer.status, answer.body, answer.token))
        return Committed(world.now, tuple(range(first, world.position + 1)), answer)

    def _store(self, event: NewEvent, metadata: bytes) -> tuple[int | None, int | None]:
        world, message = self.world, event.message
        world.position += 1
        version = world.versions[event.stream] = world.versions.get(event.stream, 0) + 1
        partition = number = None
        if message is not None:
            partition = partition_of(message.key)
            number = world.numbers[partition] = world.numbers[partition] + 1
        columns = (
            world.position, event.id, event.stream, version, event.type, event.payload, metadata, world.now,
            partition, number, message and message.key, message and message.type, message and message.payload,
        )  # fmt: skip
        world.hash = link(world.hash, columns)
        self.batch.events.append((*columns, world.hash))
        return partition, number

    def _hold(self, claim: Claim, owner: str | None) -> None:
        key = (claim.scope, claim.value)
        if owner is None:
            if self.world.claims.get(key) != claim.owner:
                return  # somebody else's by now
            del self.world.claims[key]
        else:
            self.world.claims[key] = owner
        self.batch.claims[key] = owner
