"""The heads of all stores: a refusal moves none of them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Self

import asyncpg

from services.gateway import consumers
from shared.contracts.catalogue import PRODUCERS
from shared.messaging.topics import topic_name
from tests.conftest import PATIENCE_SECONDS, Platform
from tests.security.table import APIS

Heads = dict[str, tuple[int, str]]

HEAD = "SELECT position, encode(hash, 'hex') AS hash, numbers FROM head"
CHECKPOINTS = "SELECT consumer, topic, partition, number FROM checkpoints"
DUE = "SELECT count(*) FROM deadlines WHERE due_at <= store_now()"
SINCE = "SELECT position, stream, type FROM events WHERE position > $1 ORDER BY position LIMIT 10"

#: Who hears whom: service, consumer, producer.
FOLLOWED = [
    *(
        (service, "processes", producer)
        for service in PRODUCERS
        for producer in import_module(f"services.{service}.main").DEFINITION.listens_to()
    ),
    *(("gateway", consumers.READ_MODELS, producer) for producer in PRODUCERS),
    ("gateway", consumers.PEOPLE, "identity"),
]


@dataclass
class Stores:
    """One connection to the database of each service."""

    connections: "dict[str, asyncpg.Connection[asyncpg.Record]]"
    prefix: str  # of this platform's topics

    @classmethod
    async def open(cls, platform: Platform) -> Self:
        opened = {service: await platform.connect(service) for service in APIS}
        return cls(opened, platform.state.topic_prefix)

    async def close(self) -> None:
        for connection in self.connections.values():
            await connection.close()

    async def heads(self) -> Heads:
        """Return (position, hash) of each store."""
        found = await self._each(HEAD)
        return {service: (rows[0]["position"], rows[0]["hash"]) for service, rows in found.items()}

    async def quiet(self) -> Heads:
        """Wait until everybody has heard everything and nothing comes of it any more; return the heads then."""
        deadline = time.monotonic() + 4 * PATIENCE_SECONDS
        while True:
            before = await self.heads()
            behind = await self._behind()
            if not behind and await self.heads() == before:
                return before
            assert time.monotonic() < deadline, f"the platform does not come to rest: {behind}"
            await asyncio.sleep(0.1)

    @asynccontextmanager
    async def unchanged(self, what: str) -> AsyncIterator[None]:
        """Fail, naming `what` and the events that it left, unless every head is the same afterwards."""
        before = await self.quiet()
        yield
        assert await self.heads() == before, f"{what} has left {await self.since(before)}"

    async def since(self, heads: Heads) -> dict[str, list[str]]:
        """Return the events that each store has got since then."""
        left = {}
        for service, connection in self.connections.items():
            if events := await connection.fetch(SINCE, heads[service][0]):
                left[service] = [f"{one['position']} {one['type']} in {one['stream']}" for one in events]
        return left

    async def _behind(self) -> list[str]:
        """Name whoever has yet to hear something, also on partitions where it has no checkpoint so far."""
        heads, checkpoints, due = await self._each(HEAD), await self._each(CHECKPOINTS), await self._each(DUE)
        heard = {
            (service, row["consumer"], row["topic"], row["partition"]): row["number"]
            for service, rows in checkpoints.items()
            for row in rows
        }
        late = [
            f"{service}: {consumer} on {topic}[{partition}]"
            for service, consumer, producer in FOLLOWED
            for topic in (topic_name(self.prefix, producer),)
            for partition, number in enumerate(heads[producer][0]["numbers"])
            if heard.get((service, consumer, topic, partition), 0) < number
        ]
        return late + [f"{service}: deadlines are due" for service, rows in due.items() if rows[0]["count"]]

    async def _each(self, sql: str) -> dict[str, list[Any]]:
        found = await asyncio.gather(*(connection.fetch(sql) for connection in self.connections.values()))
        return dict(zip(self.connections, found, strict=True))
