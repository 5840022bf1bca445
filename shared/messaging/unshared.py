"""The rows of a projection in a table that nobody else uses yet: folded in memory, and written seldom.

A projector writes each step before it takes the next: others read its rows, and may write them. Of a projection that
is made anew nobody reads anything before the swap, and where it ends early all of it is dropped.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from shared.eventstore.database import Database
from shared.eventstore.entry import Move
from shared.messaging import checkpoint, parking
from shared.messaging.batches import Run, step
from shared.messaging.checkpoint import Place
from shared.messaging.envelope import Item, Received
from shared.messaging.parking import Intake
from shared.messaging.rows import Projection, State, Table

ROWS = 4_000  # that are kept; all are written, by one statement, and forgotten when there are more
MESSAGES = 100_000  # that are folded before rows are written: as many are read again where one cannot be taken

Due = tuple[Received, Any, Collection[str]]  # a message, what it says, and the keys of the rows that it changes


class Untaken(Exception):
    """A message has to be parked, or a row cannot be written: neither is done here."""


class Unshared:
    """Folds messages into the rows of one projection.

    Where it raises, nothing since the last write has happened, and it is spent.
    """

    def __init__(
        self, database: Database, projection: Projection, messages: Mapping[str, type], table: str, consumer: str
    ) -> None:
        self._database = database
        self._projection = projection
        self._table = Table(projection, table)
        self._intake: Intake[Projection] = Intake((projection,), messages)
        self._consumer = consumer
        self._rows: dict[str, State] = {}
        self._changed: set[str] = set()
        self._forgotten = False  # there may be rows in the table that are not here
        self._moves: dict[Place, Move] = {}
        self._folded = 0  # messages since the last write

    async def take(self, runs: Sequence[Run]) -> None:
        """Fold all of it, and write where enough has gathered. Raises Untaken, and what failing I/O raises."""
        with _refusing():
            dues = [due for run in runs for item in run.items if (due := self._read(item)) is not None]
            await self._load({key for _, _, keys in dues for key in keys} - self._rows.keys())
            self._fold(dues)
        for run in runs:
            begun = self._moves.get(run.place)
            after = run.after.number if begun is None else begun.after
            self._moves[run.place] = step(self._consumer, run, after, run.items[-1])
            self._folded += len(run.items)
        if len(self._rows) > ROWS or self._folded >= MESSAGES:
            await self.write()

    async def write(self) -> None:
        """Write what has changed and move the checkpoints, in one transaction. Raises as `take` does, and Overtaken."""
        if not self._moves:
            return
        rows = {key: self._rows[key] for key in sorted(self._changed, key=str.encode)}
        with _refusing():
            columns = self._table.columns(rows)
            async with self._database.pool.acquire() as connection, connection.transaction():
                await checkpoint.move(connection, list(self._moves.values()))
                await connection.execute(self._table.put, *columns)
        self._changed.clear()
        self._moves.clear()
        self._folded = 0
        if len(self._rows) > ROWS:
            self._rows.clear()
            self._forgotten = True

    def _read(self, item: Item) -> Due | None:
        """Decode a message, where it changes anything."""
        if not self._intake.concerns(item):
            return None
        if not isinstance(item, Received):
            raise ValueError(item.error)
        event = self._intake.decode(item)
        keys = self._projection.keys(event)
        return (item, event, keys if len(keys) == 1 else dict.fromkeys(keys)) if keys else None

    async def _load(self, unknown: Collection[str]) -> None:
        """Get rows that are not here; what is not in the table either begins empty."""
        row, version, _ = self._table.empty
        self._rows.update((key, (row, version, {})) for key in unknown)
        if unknown and self._forgotten:
            for r in await self._database.fetch(self._table.find, list(unknown)):
                self._rows[r["key"]] = self._table.state(r)

    def _fold(self, dues: Sequence[Due]) -> None:
        evolve, kind, rows = self._projection.evolve, self._projection.Row, self._rows
        for message, event, keys in dues:
            source = f"{message.service}:{message.partition}:{message.epoch}"
            for key in keys:
                row, version, seen = rows[key]
                row = evolve(row, key, event, message.time)
                if type(row) is not kind:
                    raise TypeError(f"evolve returned {type(row).__name__}, not {kind.__name__}")
                seen[source] = message.number  # on each partition they come in the order of their numbers
                rows[key] = row, version + 1, seen
            self._changed.update(keys)


@contextmanager
def _refusing() -> Iterator[None]:
    """Raise Untaken for what no retry will mend."""
    try:
        yield
    except Exception as problem:
        if parking.passing(problem):
            raise
        raise Untaken(parking.described(problem)) from problem
