"""The PostgreSQL that benches measure on: the embedded one, durable as in production, in a folder of its own."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from deploy.local import ports, postgres, scratch
from deploy.local.fresh import Databases, FreshDatabase
from deploy.local.infra import Infra
from shared.testing.infra import apply_store_ddl

LOG_FILES = 64


@contextmanager
def databases() -> Iterator[Databases]:
    """Start a server and yield what makes databases on it; nothing is left of it afterwards."""
    folder = scratch.make("bench")
    try:
        port = ports.any_free()
        child = postgres.start(folder, port, folder / "postgres.log")
        try:
            asyncio.run(seasoned(postgres.admin_url(folder, port)))
            yield Databases(Infra("embedded", "", postgres.admin_url(folder, port)), "bench")
        finally:
            child.stop()
    finally:
        scratch.remove(folder)


async def seasoned(admin_url: str) -> None:
    """Have a server's log go into files that are there already, as it does once the server has run for a while.

    A young one makes the next file, 16 MB of zeros, inside somebody's commit, which takes 3 to 44 ms here: at 1,300
    commands a second every three seconds.
    """
    connection = await asyncpg.connect(admin_url)
    await connection.execute("ALTER SYSTEM SET min_wal_size = '1GB'")
    await connection.execute("SELECT pg_reload_conf()")
    for _ in range(LOG_FILES):
        await connection.execute("SELECT pg_logical_emit_message(false, 'bench', repeat('x', 16000000))")
    await connection.execute("CHECKPOINT")
    await connection.close()


def store(made: Databases) -> FreshDatabase:
    """Return a database with an empty event store."""
    return made.fresh("store", apply_store_ddl)
