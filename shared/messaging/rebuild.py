"""Rebuild: a projection is made anew beside the living one and swapped in, or compared with it byte for byte."""

from collections.abc import AsyncIterator

import asyncpg
import structlog

from shared.eventstore.database import Database
from shared.kernel.record import record
from shared.messaging.beside import Beside

log = structlog.get_logger()

ATTEMPTS = 5

DIFFERENCE = """
SELECT coalesce(a.key, b.key) AS key FROM "{living}" a FULL JOIN "{anew}" b ON a.key = b.key
 WHERE (a.row::text, a.version, a.seen::text) IS DISTINCT FROM (b.row::text, b.version, b.seen::text)
 ORDER BY 1 LIMIT 1"""
DUMP = """SELECT key, row::text AS row, version, seen::text AS seen FROM "{name}" ORDER BY key COLLATE "C" """


class Differs(Exception):
    """The living projection is not what its messages make of it; `key` is the first row that differs."""

    def __init__(self, projection: str, key: str) -> None:
        super().__init__(f"{projection}: the row {key!r} is not what a rebuild makes of it")
        self.projection = projection
        self.key = key


@record
class Rebuilt:
    """How many rows the projection has, and how many messages were folded."""

    projection: str
    rows: int
    messages: int


async def rebuild(beside: Beside) -> Rebuilt:
    """Make a projection anew and swap it in where both have seen the same.

    Raises Stuck, and TimeoutError or asyncpg.LockNotAvailableError where readers leave no room for the swap. Readers
    are told that every row may have changed: {"p": projection, "k": null}.
    """
    try:
        await beside.begin()
        await beside.catch_up()
        await beside.analyze()
        for attempt in range(ATTEMPTS):
            await beside.catch_up()
            try:
                rows = await _swap(beside)
                break
            except (asyncpg.LockNotAvailableError, TimeoutError):
                if attempt + 1 == ATTEMPTS:
                    raise
                await beside.stand()  # what was folded meanwhile has been undone
        log.info("rebuilt", projection=beside.name, rows=rows, messages=beside.applied)
        return Rebuilt(beside.name, rows, beside.applied)
    finally:
        await beside.close()
        await beside.drop()


async def _swap(beside: Beside) -> int:
    async with beside.level() as connection:
        rows: int = await connection.fetchval(f'SELECT count(*) FROM "{beside.table}"')
        await connection.execute("SET LOCAL lock_timeout = '3s'")
        await connection.execute(f'DROP TABLE "{beside.name}"')
        await connection.execute(f'ALTER TABLE "{beside.table}" RENAME TO "{beside.name}"')
        await connection.execute("DELETE FROM parked WHERE consumer = $1 AND unit = $2", beside.living, beside.name)
        await connection.execute("UPDATE parked SET consumer = $1 WHERE consumer = $2", beside.living, beside.consumer)
        await connection.execute("SELECT pg_notify('changed', $1)", f'{{"p":"{beside.name}","k":null}}')
    return rows


async def verify_projection(beside: Beside) -> Rebuilt:
    """Make a projection anew and compare it with the living one at equal checkpoints; raises Differs, Stuck.

    What is parked for the living projection is missing in it, and so shows here where the code can take it by now.
    """
    try:
        await beside.begin()
        await beside.catch_up()
        await beside.catch_up()
        async with beside.level() as connection:
            rows: int = await connection.fetchval(f'SELECT count(*) FROM "{beside.name}"')
            key = await connection.fetchval(DIFFERENCE.format(living=beside.name, anew=beside.table))
        if key is not None:
            raise Differs(beside.name, key)
        return Rebuilt(beside.name, rows, beside.applied)
    finally:
        await beside.close()
        await beside.drop()


async def dump(database: Database, name: str) -> AsyncIterator[bytes]:
    """Yield a projection's rows in key order, one line each: what is equal anywhere is equal byte for byte."""
    async with (
        database.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        async for r in connection.cursor(DUMP.format(name=name), prefetch=1_000):
            yield f"{r['key']}\t{r['row']}\t{r['version']}\t{r['seen']}\n".encode()
