"""Reading what one has written: waits until this service's consumer has applied what a Consistency-Token names."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import asyncpg
import structlog

from shared.eventstore.database import AWAY, Connection, Database
from shared.kernel.record import record
from shared.messaging.token import Seen, parse
from shared.web import metrics

WAIT_SECONDS = 2.0
POLL_SECONDS = 0.25  # behind LISTEN, and only while somebody waits
CHANNEL = "moved"

#: One statement, so that a checkpoint and what was parked before it are seen together.
POSITIONS = """
SELECT c.topic, c.partition, c.epoch, c.number,
       (SELECT min(p.number) FROM parked p
        WHERE p.consumer = c.consumer AND p.topic = c.topic AND p.partition = c.partition) AS parked
FROM checkpoints c WHERE c.consumer = $1
"""

log = structlog.get_logger()


@record
class Position:
    """How far a partition is applied, and the first number of it that is parked."""

    epoch: str
    number: int
    parked: int | None


class Consistency:
    """One per process. Positions are remembered and only grow, so a token that is reached already costs no query.

    `topics` names the topic of each service that `consumer` reads: what others have published is not waited for.
    """

    def __init__(self, database: Database, consumer: str, topics: Mapping[str, str]) -> None:
        self._database = database
        self._consumer = consumer
        self._topics = dict(topics)
        self._positions: dict[tuple[str, int], Position] = {}
        self._moved = asyncio.Event()  # replaced each time it is set: everybody who waits holds the same one
        self._reading: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._again_at = 0.0

    async def reached(self, token: str, seconds: float = WAIT_SECONDS) -> bool:
        """Wait until everything in the token is applied; False when it is not in time, or something of it is parked.

        Raises ValueError for a token that is none.
        """
        wanted = [seen for seen in parse(token) if seen.service in self._topics]
        verdict = self._verdict(wanted)
        if verdict is not True:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    verdict = await self._wait(wanted)
            metrics.CONSISTENCY_WAITS.labels("reached" if verdict else "stale").inc()
        return verdict is True

    async def close(self) -> None:
        """Stop listening."""
        for task in (self._reading, self._listening):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._drop()

    def _verdict(self, wanted: list[Seen]) -> bool | None:
        """Return True where all is applied, False where a part of it is parked, None where it is yet to come."""
        parked = False
        for seen in wanted:
            position = self._positions.get((self._topics[seen.service], seen.partition))
            if position is None or position.epoch != seen.epoch or position.number < seen.number:
                return None
            parked = parked or (position.parked is not None and position.parked <= seen.number)
        return not parked

    async def _wait(self, wanted: list[Seen]) -> bool:
        while True:
            moved = self._moved
            await self._read()
            verdict = self._verdict(wanted)
            if verdict is not None:
                return verdict
            self._listen()
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await moved.wait()

    async def _read(self) -> None:
        """Read the positions, together with everybody who wants them now."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._refresh(), name="positions")
        await asyncio.shield(self._reading)

    async def _refresh(self) -> None:
        try:
            for row in await self._database.fetch(POSITIONS, self._consumer):
                position = Position(row["epoch"], row["number"], row["parked"])
                self._positions[row["topic"], row["partition"]] = position
        except (*AWAY, asyncpg.PostgresError) as problem:
            log.warning("positions_not_read", error=type(problem).__name__)
        finally:
            self._reading = None

    def _listen(self) -> None:
        """See to the one connection that hears NOTIFY; it is opened the first time that somebody has to wait."""
        if self._connection is not None and not self._connection.is_closed():
            return
        now = asyncio.get_running_loop().time()
        if self._listening is None and now >= self._again_at:
            self._again_at = now + 1.0
            self._listening = asyncio.create_task(self._open(), name="moved")

    async def _open(self) -> None:
        try:
            self._drop()
            self._connection = await self._database.connect()
            await self._connection.add_listener(CHANNEL, self._hear)
        except (*AWAY, asyncpg.PostgresError) as problem:
            self._drop()
            log.warning("moved_not_heard", error=type(problem).__name__)
        finally:
            self._listening = None

    def _hear(self, *_: object) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
