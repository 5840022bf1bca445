"""The market of this folder: made once, on the run's platform; whoever changes it says so."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio

from tests.conftest import Platform
from tests.security.asking import Asking
from tests.security.market import Market
from tests.security.stores import Stores
from tests.security.tokens import mint_of

WIDTH = 64  # requests at once


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def market(platform: Platform) -> AsyncIterator[Market]:
    """Everybody and everything that a refusal needs, at rest."""
    connector = aiohttp.TCPConnector(limit=128)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=120)) as session:
        stores = await Stores.open(platform)
        try:
            gateway = Asking(session, platform.gateway, asyncio.Semaphore(WIDTH))
            await gateway.ask("GET", "/.well-known/jwks.json")  # identity makes its key when it is first asked for one
            made = Market(gateway, stores, await mint_of(platform))
            await made.build(platform.state.admin_email, platform.state.admin_password)
            yield made
        finally:
            await stores.close()
