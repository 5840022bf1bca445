"""The transaction of a batch, on connections that only the appender of this process uses.

A process remembers the head of the log as it left it. A batch is then `admit` and one statement, which writes only if
the head is still that one and all is as the entries expect. Where something is not, or where nothing is remembered, a
batch is lock, read, `admit`, write, commit. The lock on `head` comes first then, alone: at READ COMMITTED the SELECT
behind it sees all that was committed before the lock was given.

Two batches may be under way at once. The second is admitted to the world that the first one will leave, and sent behind
it: its statement waits for the head, and writes nothing where the first one has not. Its snapshot may be without the
first one, so neither may touch what the other does (`touched`), but for streams, whose versions are remembered, and
keys, which are a primary key.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import asyncpg

from shared.eventstore import metrics
from shared.eventstore.admit import Admission, Batch
from shared.eventstore.database import Connection, Database
from shared.eventstore.entry import Answer, Entry, Outcome, Reckoned
from shared.eventstore.memory import Memory
from shared.eventstore.schema import LOCK, READ, write
from shared.eventstore.world import RECKONED_WITHIN, Granted, Head, Kept, World, take_for_granted


def _columns(rows: Iterable[tuple[Any, ...]], width: int = 0) -> list[list[Any]]:
    """Return rows as columns, `width` empty ones where there are none."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


class Committer:
    """Owns the connections that write: as many as batches were under way at once."""

    def __init__(self, database: Database, service: str) -> None:
        self._database = database
        self._service = service
        self._idle: list[Connection] = []
        self._memory = Memory()
        self._front: asyncio.Future[bool] | None = None  # the last batch sent blindly that is under way: did it land?
        self._lock = asyncio.Lock()  # one batch at a time asks for the one in PostgreSQL

    @property
    def sure(self) -> bool:
        """Tell whether another batch may be sent behind the one under way."""
        return self._memory.sure

    def reckon(self) -> Reckoned | None:
        """Return what epoch and time the store has by what we were told last; None where others append in turn."""
        return self._memory.reckon()

    def hang_up(self) -> None:
        """Give up the connections of which none is in use."""
        while self._idle:
            self._idle.pop().terminate()

    async def commit(self, entries: list[Entry]) -> list[Outcome]:
        """Commit the batch; each entry is let in or not, whole. Raises what asyncpg raises, and hangs up then."""
        connection = await self._connection()
        outcomes = None
        try:
            guess = self._memory.trusted()
            if guess:
                outcomes = await self._blindly(connection, entries)
            if outcomes is None:
                async with self._lock:
                    outcomes = await self._locked(connection, entries, guess)
        finally:
            if outcomes is None:
                connection.terminate()
            else:
                self._idle.append(connection)
        return outcomes

    async def _connection(self) -> Connection:
        while self._idle:
            if not (connection := self._idle.pop()).is_closed():
                return connection
        connection = await self._database.connect()
        await connection.set_type_codec(  # bytes in, bytes out: the chain runs over exactly these
            "json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
        )
        return connection

    async def _blindly(self, connection: Connection, entries: list[Entry]) -> list[Outcome] | None:
        """Commit in one round trip if all is as we think; return None, and nothing has happened, if it is not."""
        if (granted := take_for_granted(entries, self._memory.versions)) is None:
            return None
        head, now = self._memory.recall()
        world = World.behind(head, now)
        granted.tell(world)
        batch = Admission(world, self._service).admit(entries)
        if batch.empty:
            return None  # answers alone are given under the lock
        self._memory.foresee(world.head, world.versions)
        told = await self._sent(partial(self._write, connection, head, world, batch, granted, RECKONED_WITHIN))
        if told is None:
            return None
        self._memory.prove(world.head, told)
        return batch.outcomes

    async def _sent(self, write: Callable[[], Awaitable[datetime | None]]) -> datetime | None:
        """Write a batch; once more where its statement was at the head before that of the batch in front of it."""
        front, told, again = self._front, None, False
        self._front = landed = asyncio.Future[bool]()
        try:
            with suppress(asyncpg.UniqueViolationError):  # a key was answered before: all is undone
                told = await write()
                if told is None and front is not None and (again := await front):
                    told = await write()
        finally:
            landed.set_result(told is not None)
            if self._front is landed:
                self._front = None
        if told is not None:
            (metrics.AGAIN if again else metrics.AT_ONCE).inc()
        return told

    async def _locked(self, connection: Connection, entries: list[Entry], guessed: bool) -> list[Outcome]:
        """Commit what was read under the lock; `guessed`: it was to be written without that, and could not be."""
        self._memory.forget()
        async with connection.transaction():
            row = await connection.fetchrow(LOCK)
            if row is None:
                raise asyncpg.InternalServerError("the store has no head")
            head = Head(row["epoch"], row["position"], row["hash"], row["recorded_at"], tuple(row["numbers"]))
            if guessed and not self._memory.left(head):
                self._memory.mistaken()
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
        self._memory.keep(head if batch.empty else world.head, told, world.versions)
        metrics.LOCKED.inc()
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
        deadlines = batch.deadlines.items()
        columns = {
            "versions": _columns(granted.versions.items()),
            "owners": _columns((*key, owner) for key, owner in granted.claims.items()),
            "checkpoints": _columns(key + place for key, place in granted.checkpoints.items()),
            "open": [granted.deadlines],
            "events": [batch.events],
            "claimed": _columns((*key, owner) for key, owner in batch.claims.items() if owner is not None),
            "released": _columns(key for key, owner in batch.claims.items() if owner is None),
            "answers": [batch.answers],
            "moves": _columns(
                (m.consumer, m.topic, m.partition, m.epoch, m.number, m.next_offset) for m in batch.moves.values()
            ),
            "planned": _columns((d.id, d.due_at, d.kind, d.subject) for _, d in deadlines if d is not None),
            "cleared": [[key for key, deadline in deadlines if deadline is None]],
        }
        sql, arguments = write({part: found for part, found in columns.items() if found and found[0]})
        after, before = (
            (world.position, world.hash, world.now, world.numbers),
            (head.epoch, head.hash, head.recorded_at),
        )
        told: datetime | None = await connection.fetchval(sql, *after, *before, near, *arguments)
        return told
