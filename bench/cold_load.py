"""Print the milliseconds that the first load of a stream takes in this process: `bench.cold_load <url> <stream>`."""

import asyncio
import sys
import time

from shared.eventstore.codec import Codec
from shared.eventstore.database import Database
from shared.eventstore.read import load
from shared.eventstore.tests import jar


async def main(url: str, stream: str) -> None:
    database = await Database.open(url, size=1)
    await database.fetchval("SELECT 1")  # being connected is not part of it
    began = time.perf_counter()
    await load(database, Codec(jar.EVENTS), jar, stream)
    print((time.perf_counter() - began) * 1_000)
    await database.close()


asyncio.run(main(*sys.argv[1:]))
