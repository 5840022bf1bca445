"""Append: the only way to write. One appender per process gathers entries into one transaction: group commit.

An appender remembers the head of the log as it left it. A batch is then `admit` and one statement, which writes only if
the head is still that one and all is as the entries expect. Where something is not, or where nothing is remembered, a
batch is lock, read, `admit`, write, commit. The lock on `head` comes first then, alone: at READ COMMITTED the SELECT
behind it sees all that was committed before the lock was given.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from shared.eventstore.admit import Admission, Batch, Granted, Head, Kept, World, take_for_granted
from shared.eventstore.database import AWAY, Connection, Database
from shared.eventstore.entry import Answer, Entry, Outcome
from shared.eventstore.schema import LOCK, READ, WRITE

log = structlog.get_logger()

BATCH_LIMIT = 256
NEAR = timedelta(milliseconds=100)  # how far from the store's clock a time may be that was reckoned without asking it
SHYEST = 64  # batches under the lock after many mistakes: another process appends all the time


class Overloaded(Exception):
    """The queue is full: refused before anything was tried."""


class StoreAway(Exception):
    """PostgreSQL did not answer: whether the entry is committed is not known."""


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]


class Memory:
    """The head as this process left it, and the store's time; how far to rely on it, with others about."""

    def __init__(self) -> None:
        self._head: Head | None = None
        self._told: datetime  # the store's time
        self._heard = 0.0  # ours (s, monotonic) when we were told
        self._mistakes = self._shy = 0

    def keep(self, head: Head, told: datetime) -> None:
        self._head, self._told, self._heard = head, told, time.monotonic()

    def forget(self) -> None:
        self._head = None

    def trusted(self) -> bool:
        """Tell whether to rely on it for the next batch; after each mistake not for twice as many batches."""
        if self._shy:
            self._shy -= 1
            return False
        return self._head is not None

    def recall(self) -> tuple[Head, datetime]:
        """Return the head and what time the store has now."""
        assert self._head is not None
        return self._head, self._told + timedelta(seconds=time.monotonic() - self._heard)

    def mistaken(self) -> None:
        self._shy = min(2**self._mistakes, SHYEST)
        self._mistakes = min(self._mistakes + 1, SHYEST)

    def proven(self) -> None:
        self._mistakes = 0


class Appender:
    """Owns the connection that writes. `append` may be called by any number of tasks at once."""

    def __init__(self, database: Database, service: str, queue: int = 2_048) -> None:
        self._database = database
        self._service = service
        self._limit = queue
        self._waiting: deque[tuple[Entry, asyncio.Future[Outcome]]] = deque()
        self._wake = asyncio.Event()
        self._connection: Connection | None = None
        self._memory = Memory()
        self._task: asyncio.Task[None] | None = None
        self.entries = 0  # that were let in or refused
        self.unlocked = 0  # batches that one round trip was enough for

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
            self._memory.forget()
            if len(batch) > 1:
                for item in batch:
                    await self._settle([item])
            elif not batch[0][1].done():
                batch[0][1].set_exception(problem)
        else:
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
            self._memory.forget()
            self._connection = await self._database.connect()
            await self._connection.set_type_codec(  # bytes in, bytes out: the chain runs over exactly these
                "json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
            )
        outcomes = None
        if self._memory.trusted() and (granted := take_for_granted(entries)):
            outcomes = await self._commit_blindly(self._connection, entries, granted)
        return outcomes or await self._commit_locked(self._connection, entries)

    async def _commit_blindly(
        self, connection: Connection, entries: list[Entry], granted: Granted
    ) -> list[Outcome] | None:
        """Commit in one round trip if all is as we think; return None, and nothing has happened, if it is not."""
        head, now = self._memory.recall()
        world = World.behind(head, now)
        granted.tell(world)
        batch = Admission(world, self._service).admit(entries)
        if batch.empty:
            return None  # answers alone are given under the lock
        told = await self._write(connection, head, world, batch, granted, NEAR)
        if told is None:
            self._memory.mistaken()
            return None
        self._memory.keep(world.head, told)
        self._memory.proven()
        self.unlocked += 1
        return batch.outcomes

    async def _commit_locked(self, connection: Connection, entries: list[Entry]) -> list[Outcome]:
        self._memory.forget()
        async with connection.transaction():
            row = await connection.fetchrow(LOCK)
            if row is None:
                raise asyncpg.InternalServerError("the store has no head")
            head = Head(row["epoch"], row["position"], row["hash"], row["recorded_at"], tuple(row["numbers"]))
            world = World.behind(head, row["now"])
            await self._read(connection, world, entries)
            batch = Admission(world, self._service).admit(entries)
            told = row["now"]
            if not batch.empty:
                for write in batch.writes:
                    await connection.execute(write.sql, *write.args)
                told = await self._write(connection, head, world, batch, Granted(), None)
                if told is None:
                    raise asyncpg.InternalServerError("the head has moved under its lock")
        self._memory.keep(head if batch.empty else world.head, told)
        return batch.outcomes

    async def _read(self, connection: Connection, world: World, entries: list[Entry]) -> None:
        streams = {s for e in entries for s in (*e.expects, *(event.stream for event in e.events))}
        claims = {(c.scope, c.value) for e in entries for c in (*e.claims, *e.releases)}
        keys = {e.request.key for e in entries if e.request}
        moves = {(m.consumer, m.topic, m.partition) for e in entries for m in e.moves}
        due = {e.fires for e in entries if e.fires}
        if not (streams or claims or keys or moves or due):
            return
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

    async def _write(
        self, connection: Connection, head: Head, world: World, batch: Batch, granted: Granted, near: timedelta | None
    ) -> datetime | None:
        """Write the batch behind `head` if it is the head and what is granted holds; return the store's time."""
        set_deadlines = [d for d in batch.deadlines.values() if d is not None]
        told: datetime | None = await connection.fetchval(
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
            head.epoch,
            head.hash,
            head.recorded_at,
            near,
            *_columns(granted.versions.items(), 2),
            *_columns(((s, v, o) for (s, v), o in granted.claims.items()), 3),
            granted.keys,
            *_columns((key + place for key, place in granted.checkpoints.items()), 5),
            granted.deadlines,
        )
        return told
