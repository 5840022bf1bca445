"""Checkpoints: where a consumer stands on each partition, and what it makes of the next number it is given.

The checkpoint is moved by compare-and-set in the transaction of the effect, first of all: whoever is second, after a
rebalance or as a forgotten process, changes nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from shared.eventstore.database import AnyConnection
from shared.eventstore.entry import Move
from shared.eventstore.execute import Overtaken
from shared.kernel.record import record
from shared.messaging.turns import Turn, lost

Place = tuple[str, int]  # topic, partition

READ = "SELECT topic, partition, epoch, number, next_offset FROM checkpoints WHERE consumer = $1"

MOVE = """
UPDATE checkpoints c SET epoch = w.epoch, number = w.number, next_offset = w.next_offset
  FROM unnest($1::text[], $2::text[], $3::smallint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
       AS w (consumer, topic, partition, epoch, after, number, next_offset)
 WHERE (c.consumer, c.topic, c.partition) = (w.consumer, w.topic, w.partition)
   AND c.number = w.after AND c.epoch IN ('', w.epoch)
RETURNING c.topic, c.partition, EXISTS (SELECT FROM parked p WHERE p.consumer = c.consumer) AS parked"""

BEGIN = """
INSERT INTO checkpoints (consumer, topic, partition, epoch)
SELECT $1, w.*, '' FROM unnest($2::text[], $3::smallint[]) AS w ON CONFLICT DO NOTHING"""

TELL = "SELECT pg_notify('moved', $1)"  # those who wait for a consumer's checkpoints


@record
class Checkpoint:
    """The last number applied, in its epoch ('' before the first), and the offset behind it, which is a hint."""

    epoch: str = ""
    number: int = 0
    next_offset: int = 0


async def read(connection: AnyConnection, consumer: str) -> dict[Place, Checkpoint]:
    """Return the checkpoints of a consumer; a partition that it has not begun is not among them."""
    rows = await connection.fetch(READ, consumer)
    return {(r["topic"], r["partition"]): Checkpoint(r["epoch"], r["number"], r["next_offset"]) for r in rows}


async def begin(connection: AnyConnection, consumer: str, places: Collection[Place]) -> None:
    """Put a consumer before the first message of these partitions, where it has not begun them."""
    await connection.execute(BEGIN, consumer, [topic for topic, _ in places], [partition for _, partition in places])


async def move(connection: AnyConnection, moves: Sequence[Move]) -> bool:
    """Move checkpoints inside the caller's transaction; raises Overtaken when one is not where `after` says.

    Returns whether anything is parked for the consumer.
    """
    left, parked = await _move(connection, moves)
    if left:  # overtaken, or the first step on this partition
        await begin(connection, left[0].consumer, [(m.topic, m.partition) for m in left])
        left, parked = await _move(connection, left)
    if left:
        raise Overtaken(f"{left[0].consumer} on {left[0].topic}[{left[0].partition}] after {left[0].after}")
    return parked


def columns(moves: Sequence[Move]) -> list[list[str] | list[int]]:
    """Return the arguments of MOVE."""
    return [
        [m.consumer for m in moves],
        [m.topic for m in moves],
        [m.partition for m in moves],
        [m.epoch for m in moves],
        [m.after for m in moves],
        [m.number for m in moves],
        [m.next_offset for m in moves],
    ]


async def _move(connection: AnyConnection, moves: Sequence[Move]) -> tuple[list[Move], bool]:
    """Return the moves that were not made, and whether anything is parked."""
    rows = await connection.fetch(MOVE, *columns(moves))
    moved = {(r["topic"], r["partition"]) for r in rows}
    return [m for m in moves if (m.topic, m.partition) not in moved], any(r["parked"] for r in rows)


def reached(checkpoints: Mapping[Place, Checkpoint], wanted: Iterable[tuple[Place, str, int]]) -> bool:
    """Tell whether (place, epoch, number) of each wanted message has been applied; a later epoch has none of them."""
    for place, epoch, number in wanted:
        here = checkpoints.get(place, Checkpoint())
        if here.epoch != epoch or here.number < number:
            return False
    return True


class Numbered(Protocol):
    """What is looked at of a message."""

    @property
    def epoch(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def offset(self) -> int: ...


class Verdict(Enum):
    """What to do with a record."""

    APPLY = "it is the next one"
    FOUND = "it is the one that was missing: apply it, then look again at `seek_to`"
    SKIP = "it came before"
    SEEK = "something is missing: look again at `seek_to`"
    DROP = "something is missing for good"


@dataclass(slots=True)
class Track:
    """One partition as one consumer follows it; pure. It is thrown away when an effect fails and made anew.

    `turns` are those of the topic that were adopted: what earlier epochs have before a turn counts as of the later one,
    whose name the checkpoint bears. Without a turn another epoch is a gap.
    """

    checkpoint: Checkpoint
    turns: tuple[Turn, ...] = ()
    partition: int = 0
    seeks: int = 0  # how often we have looked for what is missing
    dropped: int | None = None  # the offset of the first record that was dropped since

    def judge(self, epoch: str, number: int, offset: int) -> Verdict:
        """Return what to do with the record at `offset`; APPLY and FOUND count it as applied.

        What is missing is looked for twice: behind the checkpoint, where a rebalance may have left us too far ahead,
        and from the beginning, where the offsets of a new cluster mean something else. After that everything is
        dropped, until the missing number comes; then what was dropped is read again.
        """
        here = self.checkpoint
        if self.turns:
            if lost(self.turns, epoch, self.partition, number):
                return Verdict.SKIP
            epoch = max(epoch, self.turns[-1].epoch)
        if here.epoch in ("", epoch):
            if number == here.number + 1:
                verdict = Verdict.APPLY if self.dropped is None else Verdict.FOUND
                behind = offset + 1 if self.dropped is None else self.dropped
                self.checkpoint, self.seeks, self.dropped = Checkpoint(epoch, number, behind), 0, None
                return verdict
            if number <= here.number:
                return Verdict.SKIP
        if self.seeks < 2:
            self.seeks += 1
            return Verdict.SEEK
        self.dropped = offset if self.dropped is None else min(self.dropped, offset)
        return Verdict.DROP

    def follow(self, items: Sequence[Numbered], until: int) -> int:
        """Count as applied what comes next without a doubt, up to number `until`; returns how many of them that is."""
        if not items or self.turns or self.dropped is not None:
            return 0
        number, epoch, count = self.checkpoint.number, self.checkpoint.epoch or items[0].epoch, 0
        for item in items:
            if item.number != number + 1 or item.epoch != epoch or number >= until:
                break
            number, count = item.number, count + 1
        if count:
            self.checkpoint, self.seeks = Checkpoint(epoch, number, items[count - 1].offset + 1), 0
        return count

    def begins_as(self, other: "Track") -> bool:
        """Tell whether both stand at the same place and know the same turns."""
        return (self.checkpoint, self.turns) == (other.checkpoint, other.turns)

    @property
    def seek_to(self) -> int:
        """Where to look: behind the checkpoint, and from the beginning where that was in vain."""
        return 0 if self.seeks == 2 else self.checkpoint.next_offset


def missing(tracks: Mapping[Place, Track]) -> Collection[Place]:
    """Return the partitions on which messages are missing."""
    return [place for place, track in tracks.items() if track.dropped is not None]
