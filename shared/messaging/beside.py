"""A projection made anew from event 0 beside the living one, up to where the living one stands.

Runs as the owner of the database, whose tables it creates and drops. Reads go on all the time; the living projector
waits only for the last step, which is bounded. Messages fold in memory (`unshared`) as long as all of them can be
taken; what follows the last write before one that cannot is read again, and taken as the living projector does.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import structlog

from shared.eventstore.database import AnyConnection, Database
from shared.messaging import checkpoint
from shared.messaging.checkpoint import Checkpoint, Place
from shared.messaging.history import History
from shared.messaging.projections import Projector
from shared.messaging.rows import Projection
from shared.messaging.unshared import Unshared, Untaken

log = structlog.get_logger()

CHUNK = 500  # messages that are folded in memory before the next are looked at: as many as a cache holds
STEP = 4_000  # messages that are folded before their rows are written: the loop stands still meanwhile
LAST_STEP_SECONDS = 10.0

GRANTS = """
SELECT grantee, string_agg(privilege_type, ', ') AS privileges FROM information_schema.role_table_grants
 WHERE table_name = $1 AND grantee <> current_user GROUP BY grantee"""


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
        self.living = living
        self._database = database
        self._unshared: Unshared | None = Unshared(database, projection, messages, self.table, self.consumer)
        self._projector = Projector(
            database, [projection], messages, consumer=self.consumer, tables={projection.NAME: self.table}
        )
        self._history = History(bootstrap, topics)

    @property
    def applied(self) -> int:
        """How many messages are folded."""
        return self._history.passed

    async def begin(self) -> None:
        """Make an empty table, with the grants and indexes of the living one, and stand before event 0."""
        await self.drop()
        async with self._database.pool.acquire() as connection, connection.transaction():
            await connection.execute(f'CREATE TABLE "{self.table}" (LIKE "{self.name}" INCLUDING ALL)')
            for r in await connection.fetch(GRANTS, self.name):
                await connection.execute(f'GRANT {r["privileges"]} ON "{self.table}" TO "{r["grantee"]}"')
            await checkpoint.begin(connection, self.consumer, self._history.places)
        await self._history.start()
        await self.stand()

    async def stand(self) -> None:
        """Go on from where the checkpoints are."""
        async with self._database.pool.acquire() as connection:
            await self._history.stand(connection, self.consumer)

    async def close(self) -> None:
        """Leave Kafka, within some seconds."""
        with suppress(Exception):
            await asyncio.wait_for(self._history.stop(), 5)

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
        try:
            await self._fold(goal)
        except Untaken as problem:
            log.info("rebuilt_in_steps", projection=self.name, why=str(problem))
            self._unshared = None
            await self.stand()
            await self._fold(goal)

    async def _fold(self, goal: Mapping[Place, Checkpoint]) -> None:
        while runs := await self._history.next(goal, STEP if self._unshared is None else CHUNK):
            if self._unshared is None:
                await self._projector.take(runs)
            else:
                await self._unshared.take(runs)
                await asyncio.sleep(0)  # Kafka's answers come in, and whoever shares the loop has a turn
        if self._unshared is not None:
            await self._unshared.write()

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
            while runs := await self._history.next(goal, STEP):
                await self._projector.take_within(connection, runs)
            yield connection
