"""What the runner hands to whoever takes messages: the next ones of each partition, nothing missing, nothing twice."""

from collections.abc import Collection, Sequence
from typing import Protocol

from shared.eventstore.entry import Move
from shared.kernel.record import record
from shared.messaging.checkpoint import Checkpoint, Place
from shared.messaging.envelope import Item


@record
class Run:
    """Consecutive messages of one partition, at least one."""

    topic: str
    partition: int
    after: Checkpoint  # the last one before them
    items: tuple[Item, ...]
    again: int | None = None  # the offset to go on from, where records before theirs have been dropped
    epoch: str = ""  # that they count as: a later one where a turn was adopted; '' is the messages' own

    @property
    def place(self) -> Place:
        """The partition that they are from."""
        return self.topic, self.partition


@record
class Pace:
    """How a consumer goes: at most `batch` messages in a step, and a rest between two, when more gather.

    `rest_seconds` always, and `patience` times as long as a step was kept waiting for a core (`resting.py`).
    """

    batch: int
    rest_seconds: float
    patience: int


#: Nobody waits for it, and every step is a commit.
CALM = Pace(500, 0.02, 5)
#: Somebody watches, and a row that many messages change is written once for all of them.
WATCHED = Pace(2_000, 0, 1)


def step(consumer: str, run: Run, after: int, last: Item) -> Move:
    """Return the move from number `after` to behind `last`."""
    behind = last.offset + 1 if run.again is None else run.again
    return Move(consumer, run.topic, run.partition, run.epoch or last.epoch, after, last.number, behind)


class Taker(Protocol):
    """Takes messages for one consumer: their effect and the move of the checkpoint in one transaction."""

    @property
    def consumer(self) -> str:
        """The name that the checkpoints are kept under."""

    async def take(self, runs: Sequence[Run]) -> None:
        """Take all of this, or raise; what has been committed by then stays, and the checkpoints tell."""

    async def settle(self) -> None:
        """Note what was taken without an effect, and so without moving a checkpoint; called soon after `take`."""

    async def replay(self, places: Collection[Place]) -> None:
        """Try again what is parked on these partitions; nothing else is taken meanwhile."""
