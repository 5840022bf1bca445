"""A step of the projector in one round trip, as long as nobody else touches its rows.

The projector remembers the rows that it has written, each with the transaction that did (PostgreSQL's `xmin`), and
reads others without locking them. One statement then moves the checkpoints, writes each row that still is what that
transaction made of it, and announces; where anything is not so, `insist` fails the whole of it: another projector has
come in between, a rebuild, an operator, or something is parked. Nothing has happened then.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from itertools import count
from typing import Any

import asyncpg

from shared.eventstore.database import AnyConnection
from shared.eventstore.entry import Move
from shared.kernel.record import record
from shared.messaging import checkpoint
from shared.messaging.rows import Fold, State, Table

REMEMBERED = 2_048  # rows of each projection: some 2 kB each

#: What PostgreSQL answers where a step would have to wait for others' rows, or has come too late.
TOO_LATE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.UniqueViolationError)

INSIST = """
CREATE OR REPLACE FUNCTION insist(ok boolean) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    IF ok THEN RETURN true; END IF;
    RAISE EXCEPTION 'somebody else was here' USING ERRCODE = 'serialization_failure';
END $$"""

FIND = """SELECT {unit} AS unit, key, row, version, seen, xmin FROM "{table}" WHERE key = ANY ({keys}::text[])"""

CHANGE = """{name} AS (
    UPDATE "{table}" t SET row = w.row, version = w.version, seen = w.seen
      FROM moved, unnest({}::text[], {}::text[]::jsonb[], {}::bigint[], {}::text[]::jsonb[], {}::xid[])
           AS w (key, row, version, seen, writer)
     WHERE t.key = w.key AND t.xmin = w.writer RETURNING 1)"""
BEGIN = """{name} AS (
    INSERT INTO "{table}" (key, row, version, seen)
    SELECT w.* FROM moved, unnest({}::text[], {}::text[]::jsonb[], {}::bigint[], {}::text[]::jsonb[]) AS w
    RETURNING 1)"""
#: $1 to $7: the columns of the moves; $8: the announcements; $9: the consumer.
WRITE = """
WITH moves AS ({move}),
     moved AS (SELECT FROM moves HAVING count(*) = cardinality($1) AND NOT bool_or(parked)){writes}
SELECT insist(EXISTS (SELECT FROM moved){checks}),
       pg_current_xact_id()::xid AS writer, (SELECT count(pg_notify('changed', t)) FROM unnest($8::text[]) t),
       pg_notify('moved', $9)"""


@record
class Begun:
    """The rows that a step folds into, and by which transaction those were written that are there."""

    folds: dict[str, Fold]
    writers: dict[str, dict[str, int]]


class AtOnce:
    """What one projector remembers of its rows, and its steps."""

    def __init__(self, consumer: str, tables: Mapping[str, Table]) -> None:
        self._consumer = consumer
        self._tables = tables
        self._rows: dict[str, dict[str, tuple[State, int]]] = {name: {} for name in tables}

    def forget(self) -> None:
        """Read all rows again before they are written."""
        for rows in self._rows.values():
            rows.clear()

    async def begin(self, connection: AnyConnection, wanted: Mapping[str, Collection[str]]) -> Begun:
        """Return the rows of each projection; what is not remembered is read, in one round trip, and not locked."""
        found = {name: {k: self._rows[name][k] for k in keys if k in self._rows[name]} for name, keys in wanted.items()}
        unknown = {name: [k for k in keys if k not in found[name]] for name, keys in wanted.items()}
        unknown = {name: keys for name, keys in unknown.items() if keys}
        if unknown:
            sql = _find(tuple((name, self._tables[name].name) for name in unknown))
            for r in await connection.fetch(sql, *unknown.values()):
                found[r["unit"]][r["key"]] = self._tables[r["unit"]].state(r), r["xmin"]
        folds, writers = {}, {}
        for name, keys in wanted.items():
            known, table = found[name], self._tables[name]
            folds[name] = Fold(table, {key: known[key][0] if key in known else table.empty for key in keys})
            writers[name] = {key: writer for key, (_, writer) in known.items()}
        return Begun(folds, writers)

    async def write(self, connection: AnyConnection, moves: Sequence[Move], begun: Begun) -> None:
        """Write a step, all of it. Where it raises nothing has happened: TOO_LATE, or what PostgreSQL says of a row."""
        parts, arguments, texts = list[tuple[str, str]](), list[Any](), list[str]()
        for name, fold in begun.folds.items():
            table, writers, changed = self._tables[name], begun.writers[name], fold.changed()
            known = {key: state for key, state in changed.items() if key in writers}
            new = {key: state for key, state in changed.items() if key not in writers}
            if known:
                parts.append((CHANGE, table.name))
                arguments += [*table.columns(known), [writers[key] for key in known]]
            if new:
                parts.append((BEGIN, table.name))
                arguments += table.columns(new)
            texts += fold.announcements()
        sql = _write(tuple(parts))
        told = await connection.fetchrow(sql, *checkpoint.columns(moves), texts, self._consumer, *arguments)
        assert told is not None
        for name, fold in begun.folds.items():
            self._keep(self._rows[name], fold.changed(), told["writer"])

    def _keep(self, rows: dict[str, tuple[State, int]], changed: Mapping[str, State], writer: int) -> None:
        for key, state in changed.items():
            rows.pop(key, None)  # what was written last is forgotten last
            rows[key] = state, writer
        while len(rows) > REMEMBERED:
            del rows[next(iter(rows))]


@cache
def _find(tables: tuple[tuple[str, str], ...]) -> str:
    return " UNION ALL ".join(
        FIND.format(unit=f"'{unit}'", table=table, keys=f"${n}") for n, (unit, table) in enumerate(tables, 1)
    )


@cache
def _write(parts: tuple[tuple[str, str], ...]) -> str:
    number, writes, checks = count(10), "", ""
    for n, (sql, table) in enumerate(parts):
        first, *others = (f"${next(number)}" for _ in range(sql.count("{}")))
        writes += ", " + sql.format(first, *others, name=f"written_{n}", table=table)
        checks += f" AND (SELECT count(*) FROM written_{n}) = cardinality({first})"
    return WRITE.format(move=checkpoint.MOVE, writes=writes, checks=checks)
