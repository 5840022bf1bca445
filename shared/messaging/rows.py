"""The rows of a projection: where they lie, and how a batch of messages folds into them.

`version` counts the messages folded into a row, `seen` says how far each partition is in it; both come out the same
for every interleaving of the partitions.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

import msgspec

from shared.eventstore.database import AnyConnection
from shared.messaging import parking
from shared.messaging.envelope import Received

_seen: msgspec.json.Decoder[dict[str, int]] = msgspec.json.Decoder(dict[str, int])


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
        self.encoder = msgspec.json.Encoder()
        self.decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(projection.Row)
        self.begin = (
            f"INSERT INTO \"{name}\" SELECT k, '{{}}', 0, '{{}}' FROM unnest($1::text[]) k ON CONFLICT DO NOTHING"
        )
        self.lock = f'SELECT key, row, version, seen FROM "{name}" WHERE key = ANY ($1) ORDER BY key FOR UPDATE'
        self.write = (
            f'UPDATE "{name}" t SET row = w.row, version = w.version, seen = w.seen'
            " FROM unnest($1::text[], $2::text[]::jsonb[], $3::bigint[], $4::text[]::jsonb[])"
            " AS w (key, row, version, seen) WHERE t.key = w.key"
        )
        self.forget = f'DELETE FROM "{name}" WHERE key = ANY ($1) AND version = 0'


class Fold:
    """The rows of one projection that one batch touches, as they become."""

    def __init__(self, table: Table) -> None:
        self.projection = table.projection
        self._table = table
        self._rows: dict[str, tuple[Any, int, dict[str, int]]] = {}
        self._changed: set[str] = set()

    async def load(self, connection: AnyConnection, keys: Iterable[str]) -> None:
        """Lock all, and insert what is missing, in key order.

        Two projectors never wait for each other in a circle; where three do, PostgreSQL ends it, and one tries again.
        """
        wanted = sorted(keys, key=str.encode)
        if wanted:
            found = await connection.fetch(self._table.lock, wanted)
            if len(found) < len(wanted):
                await connection.execute(self._table.begin, wanted)
                found = await connection.fetch(self._table.lock, wanted)
            for r in found:
                self._rows[r["key"]] = self._table.decoder.decode(r["row"]), r["version"], _seen.decode(r["seen"])

    def apply(self, keys: tuple[str, ...], message: Received, event: Any) -> None:
        """Fold one message into its rows: into all of them or, where the code fails, into none."""
        source = f"{message.service}:{message.partition}:{message.epoch}"
        became = {}
        for key in dict.fromkeys(keys):
            row, version, seen = self._rows[key]
            row = self.projection.evolve(row, key, event, message.time)
            if type(row) is not self.projection.Row:
                raise TypeError(f"evolve returned {type(row).__name__}, not {self.projection.Row.__name__}")
            became[key] = row, version + 1, {**seen, source: max(seen.get(source, 0), message.number)}
        self._rows.update(became)
        self._changed.update(became)

    async def write(self, connection: AnyConnection) -> list[tuple[str, int]]:
        """Write what has changed; returns keys with their new versions. Raises Unwritable."""
        encode = self._table.encoder.encode
        keys = sorted(self._changed, key=str.encode)
        try:
            if keys:
                rows = [self._rows[key] for key in keys]
                await connection.execute(
                    self._table.write,
                    keys,
                    [encode(row).decode() for row, _, _ in rows],
                    [version for _, version, _ in rows],
                    [encode(seen).decode() for _, _, seen in rows],
                )
        except Exception as problem:
            if parking.passing(problem):
                raise
            raise Unwritable(self.projection.NAME, problem) from problem
        untouched = [key for key, (_, version, _) in self._rows.items() if version == 0]
        if untouched:
            await connection.execute(self._table.forget, untouched)
        return [(key, self._rows[key][1]) for key in keys]
