"""The transaction of a batch, on a connection that only the appender of this process uses.

A process remembers the head of the log as it left it. A batch is then `admit` and one statement, which writes only if
the head is still that one and all is as the entries expect. Where something is not, or where nothing is remembered, a
batch is lock, read, `admit`, write, commit. The lock on `head` comes first then, alone: at READ COMMITTED the SELECT
behind it sees all that was committed before the lock was given.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
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
    """Owns the connection that writes, one batch at a time."""

    def __init__(self, database: Database, service: str) -> None:
        self._database = database
        self._service = service
        self._connection: Connection | None = None
        self._memory = Memory()

    def reckon(self) -> Reckoned | None:
        """Return what epoch and time the store has by what we were told last; None where others append in turn."""
        return self._memory.reckon()

    def forget(self) -> None:
        """Rely on nothing for the next batch: it takes the lock."""
        self._memory.forget()

    def hang_up(self) -> None:
        """Give the connection up; the next batch opens another one."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def commit(self, entries: list[Entry]) -> list[Outcome]:
        """Commit the batch; each entry is let in or not, whole. Raises what asyncpg raises."""
        if self._connection is None or self._connection.is_closed():
            self._memory.forget()
            self._connection = await self._database.connect()
            await self._connection.set_type_codec(  # bytes in, bytes out: the chain runs over exactly these
                "json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
            )
        thought = None
        if self._memory.trusted() and (granted := take_for_granted(entries, self._memory.versions)):
            thought, now = self._memory.recall()
            if outcomes := await self._blindly(self._connection, thought, now, entries, granted):
                return outcomes
        return await self._locked(self._connection, entries, thought)

    async def _blindly(
        self, connection: Connection, head: Head, now: datetime, entries: list[Entry], granted: Granted
    ) -> list[Outcome] | None:
        """Commit in one round trip if all is as we think; return None, and nothing has happened, if it is not."""
        world = World.behind(head, now)
        granted.tell(world)
        batch = Admission(world, self._service).admit(entries)
        if batch.empty:
            return None  # answers alone are given under the lock
        try:
            told = await self._write(connection, head, world, batch, granted, RECKONED_WITHIN)
        except asyncpg.UniqueViolationError:  # a key was answered before: nothing has happened, all of it is undone
            return None
        if told is None:
            return None
        self._memory.keep(world.head, told, world.versions)
        self._memory.proven()
        metrics.AT_ONCE.inc()
        return batch.outcomes

    async def _locked(self, connection: Connection, entries: list[Entry], thought: Head | None) -> list[Outcome]:
        """Commit what was read under the lock; `thought` is the head behind which it could not be written blindly."""
        self._memory.forget()
        async with connection.transaction():
            row = await connection.fetchrow(LOCK)
            if row is None:
                raise asyncpg.InternalServerError("the store has no head")
            head = Head(row["epoch"], row["position"], row["hash"], row["recorded_at"], tuple(row["numbers"]))
            if thought not in (None, head):
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
