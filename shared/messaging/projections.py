"""The batch projector: messages of several partitions fold into the rows of all read models in one transaction.

Nearly always a step is one statement (`at_once`). Where somebody else was there, or something is to be parked,
checkpoints move first, then rows are locked in key order, folded in memory and written by one statement for each
projection. Each committed version is announced.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from shared.eventstore.database import AnyConnection, Database
from shared.eventstore.entry import Move
from shared.eventstore.memory import Trust
from shared.kernel.record import record, replace
from shared.messaging import checkpoint, metrics, parking
from shared.messaging.at_once import TOO_LATE, AtOnce
from shared.messaging.batches import Run, step
from shared.messaging.checkpoint import Checkpoint, Place
from shared.messaging.envelope import Item, Received
from shared.messaging.parking import BEHIND, Chain, Intake, Parked
from shared.messaging.rows import Fold, Projection, Table, Unwritable

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
        self._at_once = AtOnce(consumer, self._tables)
        self._trust = Trust()

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
        if not refused and self._trust.trusted() and await self._taken_at_once(runs):
            return
        async with self._database.pool.acquire() as connection, connection.transaction():
            await self.take_within(connection, runs, refused)

    async def _taken_at_once(self, runs: Sequence[Run]) -> bool:
        """Take runs in one round trip; False, and nothing has happened, where that cannot be."""
        dues = [self._read(item, {}) for run in runs for item in run.items]
        async with self._database.pool.acquire() as connection:
            begun = await self._at_once.begin(connection, self._wanted(dues))
            if any(self._apply(due, begun.folds, ()) for due in dues):
                return False  # there is something to park
            try:
                await self._at_once.write(connection, self._moves(runs), begun)
            except TOO_LATE:
                self._trust.mistaken()
                return False
            except Exception as problem:
                if parking.passing(problem):
                    raise
                return False  # under locks it is found out which projection it is that cannot be written
        self._trust.proven()
        metrics.AT_ONCE.labels(self.consumer).inc()
        return True

    async def take_within(
        self, connection: AnyConnection, runs: Sequence[Run], refused: Mapping[str, str] | None = None
    ) -> None:
        """Take runs inside the caller's transaction. Raises Overtaken, Unwritable; the transaction is spent then."""
        self._at_once.forget()
        parked = await checkpoint.move(connection, self._moves(runs))
        found = await connection.fetch(parking.CHAINS, self.consumer) if parked else []
        held = {(r["unit"], r["topic"], r["key"]) for r in found}
        await self._fold(connection, [self._read(item, refused or {}) for run in runs for item in run.items], held)

    def _moves(self, runs: Sequence[Run]) -> list[Move]:
        return [step(self.consumer, run, run.after.number, run.items[-1]) for run in runs]

    def _wanted(self, dues: Sequence[Due]) -> dict[str, set[str]]:
        """Return the keys of each projection's rows that messages change, in the order of the projections' names."""
        keys: dict[str, set[str]] = {}
        for due in dues:
            for name, wanted in due.rows.items():
                keys.setdefault(name, set()).update(wanted)
        return {name: keys[name] for name in self._tables if name in keys}

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
        for name, keys in self._wanted(dues).items():
            folds[name] = Fold(self._tables[name])
            await folds[name].load(connection, keys)
        parked = []
        for due in dues:
            for unit, error in self._apply(due, folds, held).items():
                held.add((unit, due.item.topic, due.item.key))
                parked.append(parking.row(self.consumer, unit, due.item, error))
        if parked:
            await connection.executemany(parking.PARK, parked)
        texts = [text for fold in folds.values() for text in await fold.write(connection)]
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
                self._at_once.forget()
                fold = Fold(self._tables[parked.unit])
                await fold.load(connection, keys)
                fold.apply(keys, parked.item, due.event)
                texts = await fold.write(connection)
                await connection.execute("SELECT pg_notify('changed', t) FROM unnest($1::text[]) t", texts)
