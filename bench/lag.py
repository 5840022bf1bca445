"""How far the dashboards are behind what the stores have published."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from deploy.local.running import Running
from services.gateway import consumers
from shared.eventstore.database import Connection
from shared.messaging.topics import topic_name

MOST_SECONDS = 120.0  # until all is visible
PUBLISHED = "SELECT numbers FROM head"
#: Where the gateway's read models stand in a topic.
CHECKPOINTS = "SELECT partition, number FROM checkpoints WHERE consumer = $1 AND topic = $2"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """Have a connection for a block."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def behind(state: Running) -> int:
    """Return how many messages of all stores the gateway's read models have yet to see."""
    missing = 0
    async with connected(state.database_urls["gateway"]) as gateway:
        for service, url in state.database_urls.items():
            if service != "gateway":
                async with connected(url) as store:
                    numbers = await store.fetchval(PUBLISHED)
                rows = await gateway.fetch(CHECKPOINTS, consumers.READ_MODELS, topic_name(state.topic_prefix, service))
                seen = {row["partition"]: row["number"] for row in rows}
                missing += sum(number - seen.get(partition, 0) for partition, number in enumerate(numbers))
    return missing


async def caught_up(state: Running) -> float:
    """Return the seconds until the read models have seen everything. Raises TimeoutError after MOST_SECONDS."""
    began = time.perf_counter()
    async with asyncio.timeout(MOST_SECONDS):
        while await behind(state):
            await asyncio.sleep(0.01)
    return time.perf_counter() - began
