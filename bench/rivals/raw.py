"""The limit of a command: BEGIN, one bare INSERT, COMMIT, by asyncpg on 64 connections of one process, without HTTP.

The row is the one of `pgbench.SCRIPT`: as many bytes, sent as parameters, in as many indexes as an event of ours.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import uvloop
from asyncpg.prepared_stmt import PreparedStatement

from bench.paced import p99_ms, paced

#: A connection with its statement, prepared as pgbench does with `-M prepared`.
Way = tuple["asyncpg.Connection[asyncpg.Record]", "PreparedStatement[asyncpg.Record]"]


@asynccontextmanager
async def connected(url: str, insert: str, connections: int) -> AsyncIterator[list[Way]]:
    """Have so many connections."""
    made = [await asyncpg.connect(url) for _ in range(connections)]
    try:
        yield [(connection, await connection.prepare(insert)) for connection in made]
    finally:
        for connection in made:
            await connection.close()


async def append(way: Way, values: Sequence[str]) -> None:
    """Commit one row."""
    connection, statement = way
    async with connection.transaction():
        await statement.fetch(*values)


def appends_per_second(url: str, insert: str, values: Sequence[str], connections: int, seconds: float) -> float:
    """Append with all connections at once for so long."""

    async def go() -> float:
        async with connected(url, insert, connections) as ways:
            began = time.perf_counter()

            async def client(way: Way) -> int:
                appended = 0
                while time.perf_counter() - began < seconds:
                    await append(way, values)
                    appended += 1
                return appended

            return sum(await asyncio.gather(*map(client, ways))) / (time.perf_counter() - began)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(go())


def append_p99_ms(url: str, insert: str, values: Sequence[str], connections: int, rate: float, seconds: float) -> float:
    """Append at a constant rate; return the 99th percentile from the time of each until its commit."""

    async def go() -> float:
        async with connected(url, insert, connections) as ways:
            free: asyncio.LifoQueue[Way] = asyncio.LifoQueue()
            for way in ways:
                free.put_nowait(way)

            async def act(_number: int) -> None:
                way = await free.get()
                try:
                    await append(way, values)
                finally:
                    free.put_nowait(way)

            return p99_ms(await paced(rate, seconds, act))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(go())
