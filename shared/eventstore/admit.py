"""Who gets in: the pure heart of an append, run on a world that was read under the append lock or taken for granted."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

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
from shared.eventstore.world import Kept, World
from shared.kernel.routing import partition_of

_metadata = msgspec.json.Encoder()


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
            return Conflicted()
    if entry.reckoned is not None and not world.is_as(entry.reckoned):
        return Conflicted()
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
        if entry.cleared or entry.fires or entry.deadlines:
            self._plan(entry)
        batch.writes.extend(entry.writes)
        answer = entry.answer and Answer(
            entry.answer.status,
            entry.answer.body,
            ",".join([f"{self._service}:{p}:{world.epoch}:{n}" for p, n in sorted(seen.items())]),
        )
        if entry.request is not None and answer is not None:
            world.answers[entry.request.key] = Kept(entry.request.digest, answer)
            batch.answers.append((entry.request.key, entry.request.digest, answer.status, answer.body, answer.token))
        return Committed(world.now, tuple(range(first, world.position + 1)), answer, world.epoch)

    def _store(self, event: NewEvent, metadata: bytes) -> tuple[int | None, int | None]:
        world, message = self.world, event.message
        world.position += 1
        version = world.versions[event.stream] = world.versions.get(event.stream, 0) + 1
        partition = number = None
        if message is not None:
            partition = partition_of(message.key)
            number = world.numbers[partition] = world.numbers[partition] + 1
        event_is = (world.position, event.id, event.stream, version, event.type, event.payload, metadata)
        message_is = (partition, number, message and message.key, message and message.type, message and message.payload)
        world.hash = link(world.hash, (*event_is, world.now, *message_is))
        self.batch.events.append((*event_is, *message_is, world.hash))
        return partition, number

    def _plan(self, entry: Entry) -> None:
        for gone in (*entry.cleared, *([entry.fires] if entry.fires else [])):
            self.world.deadlines.discard(gone)
            self.batch.deadlines[gone] = None
        for deadline in entry.deadlines:
            self.world.deadlines.add(deadline.id)
            self.batch.deadlines[deadline.id] = deadline

    def _hold(self, claim: Claim, owner: str | None) -> None:
        key = (claim.scope, claim.value)
        if owner is None:
            if self.world.claims.get(key) != claim.owner:
                return  # somebody else's by now
            del self.world.claims[key]
        else:
            self.world.claims[key] = owner
        self.batch.claims[key] = owner
