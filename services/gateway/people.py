"""Who a person is, asked of identity: what is personal travels between the two over HTTP alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from shared.messaging.people import Fetch, Person

TIMEOUT = aiohttp.ClientTimeout(total=5)


@asynccontextmanager
async def fetching(identity_url: str, service_secret: str) -> AsyncIterator[Fetch]:
    """Give a function that fetches a person, over one keep-alive session."""
    headers = {"authorization": f"Bearer {service_secret}"}
    connector = aiohttp.TCPConnector(limit=8, keepalive_timeout=60)
    async with aiohttp.ClientSession(identity_url, headers=headers, timeout=TIMEOUT, connector=connector) as session:

        async def fetch(account_id: str, version: int) -> Person | None:
            async with session.get(f"/internal/people/{account_id}") as response:
                if response.status == 404:
                    return None  # erased by now: its message is on the way
                response.raise_for_status()
                told = await response.json()
                return Person(told["version"], told["name"], told["bio"], told["handles"])

        yield fetch
