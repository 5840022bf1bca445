"""The batch projector: messages of several partitions fold into the rows of all read models in one transaction.

Checkpoints move first, then rows are locked in key order, folded in memory and written by one statement for each
projection. Each committed version is announced.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from shared.eventstore.database import AnyConnection, Database
from shared.kernel.record import record, replace
from shared.messaging import checkpoint, parking
from shared.messaging.batches import Run, step
from shared.messaging.checkpoint import Checkpoint, Place
from shared.messaging.envelope import Item, Received
from shared.messaging.parking import BEHIND, Chain, Intake, Parked
from shared.messaging.rows import Fold, Projection, Table, Unwritable

#: PostgreSQL takes less than 8,000 bytes in one notification.
NOTIFICATION_LIMIT = 7_900
TELL = """
SELECT pg_notify('changed', t) FROM unnest($1::text[]) t UNION ALL SELECT pg_notify('moved', $2)"""


@record
class Due:
    """A message, the rows of each projection that it changes, and for which projections it is to be parked."""

    item: Item
    event: Any
    rows: dict[str, tuple[str, ...]]
    refused: dict[str, str]


class Projector:
    """Keeps a set of projections: one consumer. `tables` names another table for a projection than its own."""

    def __init__(
        self,
        database: Database,
        projections: Sequence[Projection],
        messages: Mapping[str, type],
        *,
        consumer: str = "projections",
        ignored: Collection[str] = (),
        tables: Mapping[str, str] | None = None,
    ) -> None:
        """`messages`: wire name -> record of all that may come; `ignored`: wire names that may come and are nothing."""
        self.consumer = consumer
        self._database = database
        self._intake: Intake[Projection] = Intake(sorted(projections, key=lambda p: p.NAME), messages, ignored)
        self._tables = {p.NAME: Table(p, (tables or {}).get(p.NAME, p.NAME)) for p in self._intake.units}

    async def take(self, runs: Sequence[Run]) -> None:
        """Take all of it in one transaction; message by message where one cannot be written."""
        try:
            await self._take(runs, {})
        except Unwritable:
            for run in runs:
                after = run.after
                for item in run.items:
                    await self._take_one(replace(run, after=after, items=(item,)))
                    after = Checkpoint(item.epoch, item.number, item.offset + 1)

    async def _take_one(self, run: Run) -> None:
        refused: dict[str, str] = {}
        while True:
            try:
                return await self._take((run,), refused)
            except Unwritable as problem:
                refused[problem.unit] = problem.error

    async def _take(self, runs: Sequence[Run], refused: Mapping[str, str]) -> None:
        async with self._database.pool.acquire() as connection, connection.transaction():
            await self.take_within(connection, runs, refused)

    async def take_within(
        self, connection: AnyConnection, runs: Sequence[Run], refused: Mapping[str, str] | None = None
    ) -> None:
        """Take runs inside the caller's transaction. Raises Overtaken, Unwritable; the transaction is spent then."""
        moves = [step(self.consumer, run, run.after.number, run.items[-1]) for run in runs]
        parked = await checkpoint.move(connection, moves)
        found = await connection.fetch(parking.CHAINS, self.consumer) if parked else []
        held = {(r["unit"], r["topic"], r["key"]) for r in found}
        await self._fold(connection, [self._read(item, refused or {}) for run in runs for item in run.items], held)

    def _read(self, item: Item, refused: Mapping[str, str]) -> Due:
        reading = self._intake.read(item, ())
        due = Due(item, reading.event, {}, reading.refused)
        for projection in reading.units:
            try:
                if projection.NAME in refused:
                    due.refused[projection.NAME] = refused[projection.NAME]
                elif keys := tuple(projection.keys(reading.event)):
                    due.rows[projection.NAME] = keys
            except Exception as problem:
                due.refused[projection.NAME] = parking.described(problem)
        return due

    async def _fold(self, connection: AnyConnection, dues: list[Due], held: set[Chain]) -> None:
        folds = {}
        for name, table in self._tables.items():
            keys = {key for due in dues for key in due.rows.get(name, ())}
            if keys:
                folds[name] = Fold(table)
                await folds[name].load(connection, keys)
        parked = []
        for due in dues:
            for unit, error in self._apply(due, folds, held).items():
                held.add((unit, due.item.topic, due.item.key))
                parked.append(parking.row(self.consumer, unit, due.item, error))
        if parked:
            await connection.executemany(parking.PARK, parked)
        texts = []
        for name, fold in folds.items():
            texts += notifications(name, await fold.write(connection))
        await connection.execute(TELL, texts, self.consumer)

    def _apply(self, due: Due, folds: Mapping[str, Fold], held: Collection[Chain]) -> dict[str, str]:
        """Fold one message into all projections that can take it; returns unit -> error of the others."""
        failed = dict(due.refused)
        for name, keys in due.rows.items():
            assert isinstance(due.item, Received)
            try:
                if held and (name, due.item.topic, due.item.key) in held:
                    failed[name] = BEHIND
                else:
                    folds[name].apply(keys, due.item, due.event)
            except Exception as problem:
                failed[name] = parking.described(problem)
        return failed

    async def settle(self) -> None:
        """Nothing is left to note: the checkpoints move with each step."""

    async def replay(self, places: Collection[Place]) -> None:
        """Try again what is parked for each projection."""
        await parking.replay(self._database, self.consumer, places, self._retry)

    async def _retry(self, parked: Parked) -> None:
        due = self._read(parked.item, {})
        if parked.unit in due.refused:
            raise RuntimeError(due.refused[parked.unit])
        keys = due.rows.get(parked.unit, ())
        async with self._database.pool.acquire() as connection, connection.transaction():
            if await connection.execute(parking.UNPARK, parked.id) == "DELETE 0":
                return  # somebody else took it
            if keys and isinstance(parked.item, Received):
                fold = Fold(self._tables[parked.unit])
                await fold.load(connection, keys)
                fold.apply(keys, parked.item, due.event)
                texts = notifications(parked.unit, await fold.write(connection))
                await connection.execute("SELECT pg_notify('changed', t) FROM unnest($1::text[]) t", texts)


def notifications(projection: str, versions: Iterable[tuple[str, int]]) -> list[str]:
    """Return announcements of committed versions: {"p": projection, "k": [[key, version], ...]}, each below 8 kB."""
    texts: list[str] = []
    chunk: list[str] = []
    begin, size = f'{{"p":"{projection}","k":[', 0
    for key, version in versions:
        part = msgspec.json.encode((key, version)).decode()
        if chunk and size + len(part) + 1 + len(begin) + 2 > NOTIFICATION_LIMIT:
            texts.append(begin + ",".join(chunk) + "]}")
            chunk, size = [], 0
        chunk.append(part)
        size += len(part) + 1
    if chunk:
        texts.append(begin + ",".join(chunk) + "]}")
    return texts
