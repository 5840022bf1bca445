"""A projection made anew from event 0 beside the living one, up to where the living one stands.

Runs as the owner of the database, whose tables it creates and drops. Reads go on all the time; the living projector
waits only for the last step, which is bounded.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import starmap

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.eventstore.database import AnyConnection, Database
from shared.messaging import checkpoint, turns
from shared.messaging.batches import Run
from shared.messaging.checkpoint import Checkpoint, Place, Track, Verdict
from shared.messaging.envelope import Foreign, Item
from shared.messaging.fetching import open_records
from shared.messaging.projections import Projector
from shared.messaging.rows import Projection
from shared.messaging.topics import PARTITIONS

BATCH = 2_000  # records that are taken from Kafka at once
STEP = 4_000  # messages that are folded before their rows are written: the loop stands still meanwhile
STUCK_SECONDS = 30.0
LAST_STEP_SECONDS = 10.0

GRANTS = """
SELECT grantee, string_agg(privilege_type, ', ') AS privileges FROM information_schema.role_table_grants
 WHERE table_name = $1 AND grantee <> current_user GROUP BY grantee"""


class Stuck(Exception):
    """A topic does not bring what the living projection has seen."""


class Beside:
    """One projection, made anew in `table` under a consumer of its own, up to where the living consumer stands."""

    def __init__(
        self,
        database: Database,
        bootstrap: str,
        topics: Sequence[str],
        projection: Projection,
        messages: Mapping[str, type],
        *,
        living: str = "projections",
        suffix: str = "new",
    ) -> None:
        self.name = projection.NAME
        self.table = f"{projection.NAME}__{suffix}"
        self.consumer = f"rebuild:{self.table}"
        self.applied = 0
        self.living = living
        self._database = database
        self._projector = Projector(
            database, [projection], messages, consumer=self.consumer, tables={projection.NAME: self.table}
        )
        self._kafka = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest", max_poll_records=BATCH
        )
        self._places = [(topic, partition) for topic in topics for partition in range(PARTITIONS)]
        self._tracks: dict[Place, Track] = {}
        self._read: dict[Place, deque[Item]] = {where: deque() for where in self._places}

    async def begin(self) -> None:
        """Make an empty table, with the grants and indexes of the living one, and stand before event 0."""
        await self.drop()
        async with self._database.pool.acquire() as connection, connection.transaction():
            known = {topic: await turns.read(connection, topic) for topic in {topic for topic, _ in self._places}}
            self._tracks = {(t, p): Track(Checkpoint(), known[t], p) for t, p in self._places}
            await connection.execute(f'CREATE TABLE "{self.table}" (LIKE "{self.name}" INCLUDING ALL)')
            for r in await connection.fetch(GRANTS, self.name):
                await connection.execute(f'GRANT {r["privileges"]} ON "{self.table}" TO "{r["grantee"]}"')
            await checkpoint.begin(connection, self.consumer, self._places)
        await self._kafka.start()
        open_records(self._kafka)
        self._kafka.assign([TopicPartition(*where) for where in self._places])
        for where in self._places:
            self._kafka.seek(TopicPartition(*where), 0)

    async def close(self) -> None:
        """Leave Kafka, within some seconds."""
        with suppress(Exception):
            await asyncio.wait_for(self._kafka.stop(), 5)

    async def drop(self) -> None:
        """Take away what a rebuild leaves: its table, its checkpoints and what it has parked."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            await connection.execute(f'DROP TABLE IF EXISTS "{self.table}"')
            for table in ("checkpoints", "parked"):
                await connection.execute(f"DELETE FROM {table} WHERE consumer = $1", self.consumer)

    async def catch_up(self) -> None:
        """Fold all that the living consumer has taken by now."""
        async with self._database.pool.acquire() as connection:
            goal = await checkpoint.read(connection, self.living)
        while runs := await self._next(goal):
            await self._projector.take(runs)

    async def analyze(self) -> None:
        """Tell PostgreSQL's planner what the new table holds; it would find out by itself minutes after the swap."""
        async with self._database.pool.acquire() as connection:
            await connection.execute(f'ANALYZE "{self.table}"')

    @asynccontextmanager
    async def level(self) -> AsyncIterator[AnyConnection]:
        """Fold the rest while the living consumer waits: inside, both have seen the same. Commits at the end."""
        async with (
            asyncio.timeout(LAST_STEP_SECONDS),
            self._database.pool.acquire() as connection,
            connection.transaction(),
        ):
            await connection.execute("LOCK TABLE checkpoints IN EXCLUSIVE MODE")
            goal = await checkpoint.read(connection, self.living)
            while runs := await self._next(goal):
                await self._projector.take_within(connection, runs)
            yield connection

    async def _next(self, goal: Mapping[Place, Checkpoint]) -> list[Run]:
        """Return the next messages that the living consumer has taken and we have not; none when we are level."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + STUCK_SECONDS
        while True:
            behind = [w for w in self._places if self._tracks[w].checkpoint.number < goal.get(w, Checkpoint()).number]
            if not behind:
                return []
            runs = [run for where in behind if (run := self._run(where, goal[where].number))]
            if runs:
                self.applied += sum(len(run.items) for run in runs)
                return runs
            if loop.time() > give_up:
                here = self._tracks[behind[0]].checkpoint
                raise Stuck(f"{behind[0][0]}[{behind[0][1]}] does not bring the message after {here.number}")
            await self._gather(goal)

    async def _gather(self, goal: Mapping[Place, Checkpoint]) -> None:
        """Read on, until there is enough for a step, all that is wanted is there, or nothing comes."""
        gathered = 0
        while gathered < STEP:
            short = [w for w in self._places if self._last(w) < goal.get(w, Checkpoint()).number]
            if not short:
                break
            found = await self._kafka.getmany(*starmap(TopicPartition, short), timeout_ms=50 if gathered else 1_000)
            if not found:
                break
            for where, records in found.items():
                waiting = self._read[where.topic, where.partition]
                waiting.extend(item for item in records if not isinstance(item, Foreign))
                gathered += len(records)

    def _last(self, where: Place) -> int:
        """Return the number of the last message that is there, folded or not."""
        waiting = self._read[where]
        return waiting[-1].number if waiting else self._tracks[where].checkpoint.number

    def _run(self, where: Place, until: int) -> Run | None:
        track, waiting = self._tracks[where], self._read[where]
        after, items = track.checkpoint, list[Item]()
        while waiting and track.checkpoint.number < until:
            item = waiting.popleft()
            verdict = track.judge(item.epoch, item.number, item.offset)
            if verdict is Verdict.APPLY:
                items.append(item)
            elif verdict is Verdict.SEEK:
                self._kafka.seek(TopicPartition(*where), track.seek_to)
                waiting.clear()
        return Run(*where, after, tuple(items), epoch=track.checkpoint.epoch) if items else None
