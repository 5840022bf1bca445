"""The rows of a projection: where they lie, and how a batch of messages folds into them.

`version` counts the messages folded into a row, `seen` says how far each partition is in it; both come out the same
for every interleaving of the partitions.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

import asyncpg
import msgspec

from shared.eventstore.database import AnyConnection
from shared.messaging import parking
from shared.messaging.envelope import Received

_seen: msgspec.json.Decoder[dict[str, int]] = msgspec.json.Decoder(dict[str, int])

#: PostgreSQL takes less than 8,000 bytes in one notification.
NOTIFICATION_LIMIT = 7_900

#: A row, how many messages are in it, and the last number in it of each partition of each epoch.
State = tuple[Any, int, dict[str, int]]


class Projection(parking.Unit, Protocol):
    """A module of `projections/`; it is passed itself. Pure, and commutative across routing keys."""

    @property
    def Row(self) -> type: ...  # all fields with defaults

    @property
    def keys(self) -> Callable[[Any], tuple[str, ...]]: ...

    @property
    def evolve(self) -> Callable[[Any, str, Any, datetime], Any]: ...


def projection_ddl(name: str, role: str) -> list[str]:
    """Return the statements that make the table of a projection, which the serving role `role` may change."""
    return [
        f'CREATE TABLE "{name}" (key text COLLATE "C" PRIMARY KEY, row jsonb NOT NULL, version bigint NOT NULL,'
        " seen jsonb NOT NULL)",
        f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{name}" TO "{role}"',
    ]


class Unwritable(Exception):
    """PostgreSQL refuses what a projection has made of a message: no retry will mend that."""

    def __init__(self, unit: str, problem: Exception) -> None:
        super().__init__(f"{unit}: {problem}")
        self.unit = unit
        self.error = parking.described(problem)


class Table:
    """The statements and codecs of one projection on one table."""

    def __init__(self, projection: Projection, name: str) -> None:
        self.projection = projection
        self.name = name
        self.empty: State = projection.Row(), 0, {}
        self._encoder = msgspec.json.Encoder()
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(projection.Row)
        #: Inserts what is missing and locks what is there, one key after the other in the order of $1.
        self.hold = (
            f"INSERT INTO \"{name}\" AS t SELECT k, '{{}}', 0, '{{}}' FROM unnest($1::text[]) k"
            " ON CONFLICT (key) DO UPDATE SET version = t.version WHERE false"
        )
        self.write = (
            f'UPDATE "{name}" t SET row = w.row, version = w.version, seen = w.seen'
            " FROM unnest($1::text[], $2::text[]::jsonb[], $3::bigint[], $4::text[]::jsonb[])"
            " AS w (key, row, version, seen) WHERE t.key = w.key"
        )
        self.forget = f'DELETE FROM "{name}" WHERE key = ANY ($1) AND version = 0'
        self.find = f'SELECT key, row, version, seen FROM "{name}" WHERE key = ANY ($1)'
        self.put = (
            f'INSERT INTO "{name}" (key, row, version, seen)'
            " SELECT * FROM unnest($1::text[], $2::text[]::jsonb[], $3::bigint[], $4::text[]::jsonb[])"
            " ON CONFLICT (key) DO UPDATE SET row = excluded.row, version = excluded.version, seen = excluded.seen"
        )

    def state(self, found: asyncpg.Record) -> State:
        """Return what a row of the table says."""
        return self._decoder.decode(found["row"]), found["version"], _seen.decode(found["seen"])

    def columns(self, rows: Mapping[str, State]) -> list[list[Any]]:
        """Return rows as PostgreSQL takes them: key, row, version, seen."""
        encode = self._encoder.encode
        return [
            list(rows),
            [encode(row).decode() for row, _, _ in rows.values()],
            [version for _, version, _ in rows.values()],
            [encode(seen).decode() for _, _, seen in rows.values()],
        ]


class Fold:
    """The rows of one projection that one batch touches, as they become."""

    def __init__(self, table: Table, rows: Mapping[str, State] | None = None) -> None:
        self.projection = table.projection
        self._table = table
        self._kind = table.projection.Row
        self._rows = dict(rows or {})
        self._changed: set[str] = set()

    async def load(self, connection: AnyConnection, keys: Iterable[str]) -> None:
        """Lock all, and insert what is missing, in key order: who does the same never waits for us in a circle.

        With a step `at_once`, which inserts last, it may come to one; PostgreSQL ends one of both, and it tries again.
        """
        wanted = sorted(keys, key=str.encode)
        if wanted:
            await connection.execute(self._table.hold, wanted)
            for r in await connection.fetch(self._table.find, wanted):
                self._rows[r["key"]] = self._table.state(r)

    def apply(self, keys: tuple[str, ...], message: Received, event: Any) -> None:
        """Fold one message into its rows: into all of them or, where the code fails, into none."""
        evolve, rows = self.projection.evolve, self._rows
        became = [(key, evolve(rows[key][0], key, event, message.time)) for key in dict.fromkeys(keys)]
        for _, row in became:
            if type(row) is not self._kind:
                raise TypeError(f"evolve returned {type(row).__name__}, not {self._kind.__name__}")
        source = f"{message.service}:{message.partition}:{message.epoch}"
        for key, row in became:
            _, version, seen = rows[key]
            if key not in self._changed:  # from here on it is ours alone
                self._changed.add(key)
                seen = dict(seen)
            seen[source] = max(seen.get(source, 0), message.number)
            rows[key] = row, version + 1, seen

    def changed(self) -> dict[str, State]:
        """Return what has changed, in key order."""
        return {key: self._rows[key] for key in sorted(self._changed, key=str.encode)}

    def announcements(self) -> list[str]:
        """Return what those who watch are told of the changes."""
        return notifications(self.projection.NAME, ((key, version) for key, (_, version, _) in self.changed().items()))

    async def write(self, connection: AnyConnection) -> list[str]:
        """Write what has changed; returns the announcements. Raises Unwritable."""
        changed = self.changed()
        try:
            if changed:
                await connection.execute(self._table.write, *self._table.columns(changed))
        except Exception as problem:
            if parking.passing(problem):
                raise
            raise Unwritable(self.projection.NAME, problem) from problem
        untouched = [key for key, (_, version, _) in self._rows.items() if version == 0]
        if untouched:
            await connection.execute(self._table.forget, untouched)
        return self.announcements()


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
