"""Append: the only way to write. One appender per process gathers entries into one transaction: group commit.

The lock on `head` comes first, alone: at READ COMMITTED the SELECT behind it then sees all that was committed before
the lock was given. A batch is lock, read, `admit`, write, commit, whatever the number of entries in it.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import asyncpg
import structlog

from shared.eventstore.admit import Admission, Batch, Kept, World
from shared.eventstore.database import AWAY, Connection, Database
from shared.eventstore.entry import Answer, Entry, Outcome
from shared.eventstore.schema import LOCK, READ, WRITE

log = structlog.get_logger()

BATCH_LIMIT = 256


class Overloaded(Exception):
    """The queue is full: refused before anything was tried."""


class StoreAway(Exception):
    """PostgreSQL did not answer: whether the entry is committed is not known."""


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]


class Appender:
    """Owns the connection that writes. `append` may be called by any number of tasks at once."""

    def __init__(self, database: Database, service: str, queue: int = 2_048) -> None:
        self._database = database
        self._service = service
        self._limit = queue
        self._waiting: deque[tuple[Entry, asyncio.Future[Outcome]]] = deque()
        self._wake = asyncio.Event()
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self.batches = self.entries = 0

    async def start(self) -> None:
        """Begin to take entries; the connection is opened with the first batch."""
        self._task = asyncio.create_task(self._run(), name="appender")

    async def stop(self) -> None:
        """Finish what is queued, within ten seconds, and close."""
        if self._task is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await asyncio.gather(*(answered for _, answered in self._waiting), return_exceptions=True)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for _, answered in self._waiting:
            if not answered.done():
                answered.set_exception(StoreAway("stopped"))
        if self._connection is not None:
            self._connection.terminate()

    @property
    def queued(self) -> int:
        """How many entries wait: for the metrics."""
        return len(self._waiting)

    async def append(self, entry: Entry) -> Outcome:
        """Commit the entry whole or learn why not; raises Overloaded, StoreAway."""
        if len(self._waiting) >= self._limit:
            raise Overloaded
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, answered))
        self._wake.set()
        return await answered

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH_LIMIT, len(self._waiting)))]
                batch = [item for item in batch if not item[1].done()]
                if batch:
                    await self._settle(batch)

    async def _settle(self, batch: list[tuple[Entry, asyncio.Future[Outcome]]]) -> None:
        try:
            outcomes = await self._commit([entry for entry, _ in batch])
        except asyncio.CancelledError:
            for _, answered in batch:
                if not answered.done():
                    answered.set_exception(StoreAway("stopped"))
            raise
        except AWAY as problem:
            self._drop_connection()
            log.warning("store_away", error=type(problem).__name__)
            for _, answered in batch:
                if not answered.done():
                    answered.set_exception(StoreAway(str(problem)))
        except Exception as problem:  # a statement of one entry failed: the others must not suffer for it
            if len(batch) > 1:
                for item in batch:
                    await self._settle([item])
            elif not batch[0][1].done():
                batch[0][1].set_exception(problem)
        else:
            self.batches += 1
            self.entries += len(batch)
            for (_, answered), outcome in zip(batch, outcomes, strict=True):
                if not answered.done():
                    answered.set_result(outcome)

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _commit(self, entries: list[Entry]) -> list[Outcome]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.connect()
            await self._connection.set_type_codec(  # bytes in, bytes out: the chain runs over exactly these
                "json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
            )
        connection = self._connection
        async with connection.transaction():
            world = await self._world(connection, entries)
            batch = Admission(world, self._service).admit(entries)
            if not batch.empty:
                await self._write(connection, world, batch)
        return batch.outcomes

    async def _world(self, connection: Connection, entries: list[Entry]) -> World:
        head = await connection.fetchrow(LOCK)
        if head is None:
            raise asyncpg.InternalServerError("the store has no head")
        world = World(head["epoch"], head["position"], head["hash"], head["now"], list(head["numbers"]))
        streams = {s for e in entries for s in (*e.expects, *(event.stream for event in e.events))}
        claims = {(c.scope, c.value) for e in entries for c in (*e.claims, *e.releases)}
        keys = {e.request.key for e in entries if e.request}
        moves = {(m.consumer, m.topic, m.partition) for e in entries for m in e.moves}
        due = {e.fires for e in entries if e.fires}
        if not (streams or claims or keys or moves or due):
            return world
        rows = await connection.fetch(
            READ, list(streams), *_columns(claims, 2), list(keys), *_columns(moves, 3), list(due)
        )
        for row in rows:
            match row["kind"]:
                case "version":
                    world.versions[row["a"]] = row["n"]
                case "claim":
                    world.claims[row["a"], row["b"]] = row["c"]
                case "answer":
                    world.answers[row["a"]] = Kept(row["x"], Answer(row["n"], row["y"], row["b"]))
                case "checkpoint":
                    world.checkpoints[row["a"], row["b"], row["p"]] = (row["c"], row["n"])
                case _:
                    world.deadlines.add(row["a"])
        return world

    async def _write(self, connection: Connection, world: World, batch: Batch) -> None:
        for write in batch.writes:
            await connection.execute(write.sql, *write.args)
        set_deadlines = [d for d in batch.deadlines.values() if d is not None]
        await connection.execute(
            WRITE,
            *_columns(batch.events, 14),
            *_columns(((s, v, o) for (s, v), o in batch.claims.items() if o is not None), 3),
            *_columns((key for key, owner in batch.claims.items() if owner is None), 2),
            *_columns(batch.answers, 5),
            *_columns(
                ((m.consumer, m.topic, m.partition, m.epoch, m.number, m.next_offset) for m in batch.moves.values()), 6
            ),
            *_columns(((d.id, d.due_at, d.kind, d.subject) for d in set_deadlines), 4),
            [key for key, deadline in batch.deadlines.items() if deadline is None],
            world.position,
            world.hash,
            world.now,
            world.numbers,
        )
