"""Turns: where the messages of a topic go on in another epoch, its store having been restored without its last events.

What Kafka holds of an earlier epoch beyond a turn is lost: the store does not have it any more. A producer's database
has all epochs of its own topic, the first one behind 0; a reader's has those that it was told to go on with.
"""

from collections.abc import Sequence
from typing import Self
from uuid import UUID

from shared.eventstore.database import AnyConnection
from shared.kernel.record import record
from shared.kernel.routing import PARTITIONS

READ = 'SELECT epoch, numbers FROM epochs WHERE topic = $1 ORDER BY epoch COLLATE "C"'
NOTE = "INSERT INTO epochs (topic, epoch, numbers) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"


@record
class Turn:
    """The topic's messages go on in `epoch`, on partition p behind number `numbers[p]`."""

    epoch: str  # a UUIDv7: a later one is greater
    numbers: tuple[int, ...]

    def __str__(self) -> str:
        """Return it as operators pass it on: the epoch, a space, the numbers joined by commas."""
        return f"{self.epoch} {','.join(map(str, self.numbers))}"

    @classmethod
    def parse(cls, epoch: str, numbers: str) -> Self:
        """Return what `str` has made of it; raises ValueError."""
        found = tuple(int(number) for number in numbers.split(","))
        if len(found) != PARTITIONS or min(found) < 0:
            raise ValueError(f"numbers are {PARTITIONS}, one for each partition, joined by commas")
        return cls(str(UUID(epoch)), found)


async def read(connection: AnyConnection, topic: str) -> tuple[Turn, ...]:
    """Return the turns of a topic, the earliest first; none where there was only ever one epoch."""
    return tuple(Turn(row["epoch"], tuple(row["numbers"])) for row in await connection.fetch(READ, topic))


async def note(connection: AnyConnection, topic: str, turn: Turn) -> None:
    """Keep a turn; repeating does nothing."""
    await connection.execute(NOTE, topic, turn.epoch, list(turn.numbers))


def lost(turns: Sequence[Turn], epoch: str, partition: int, number: int) -> bool:
    """Tell whether the history went on behind a number that comes before this one, in a later epoch than this."""
    return any(turn.epoch > epoch and number > turn.numbers[partition] for turn in turns)


def epoch_of(turns: Sequence[Turn], partition: int, number: int) -> str | None:
    """Return the epoch that a number belongs to; None where there were no turns."""
    return next((turn.epoch for turn in reversed(turns) if turn.numbers[partition] < number), None)
