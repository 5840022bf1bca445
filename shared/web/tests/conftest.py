"""The shop and the identity that it trusts, both served for real."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from shared.kernel.ids import new_id
from shared.kernel.record import record
from shared.web.app import create_app
from shared.web.authentication import Authenticator
from shared.web.identity import RemoteIdentity
from shared.web.tests import shop
from shared.web.tests.running import SERVICE_SECRET, Identity, problem, served, signed, until

Refusal = tuple[int, str, str | None]

#: Open to everybody who is signed in.
PAY = f"/v1/orders/{new_id()}/pay"


@record
class Shop:
    """A running shop: its identity, a client with its address, and what it knows of identity."""

    identity: Identity
    client: aiohttp.ClientSession
    remote: RemoteIdentity

    async def order(self, body: Any, **headers: str) -> Refusal:
        """Send the bytes of an order as a sponsor and return how they were refused."""
        given = signed(self.identity.token()) | {"content-type": "application/json"} | headers
        return await problem(await self.client.post("/v1/orders", data=body, headers=given))

    async def pay(self, token: str) -> Refusal:
        """Pay with this token; status 200 where it was accepted."""
        response = await self.client.post(PAY, headers=signed(token) | {"idempotency-key": "k"})
        return (200, "", None) if response.status == 200 else await problem(response)


@asynccontextmanager
async def opened() -> AsyncIterator[Shop]:
    """Open a shop that has heard of its identity."""
    identity = Identity()
    async with served(identity.app()) as address:
        remote = RemoteIdentity(address, SERVICE_SECRET)
        app = create_app(
            "shop",
            shop.PERMISSIONS,
            [shop.router],
            authenticator=Authenticator(remote, remote.revocations),
            service_secret=SERVICE_SECRET,
            contexts=[remote],
        )
        async with served(app) as shop_address, aiohttp.ClientSession(shop_address) as client:

            async def known() -> bool:
                return remote.revocations.known()

            await until(known)
            yield Shop(identity, client, remote)


@pytest.fixture
async def running_shop() -> AsyncIterator[Shop]:
    """A shop of one test."""
    async with opened() as shop:
        yield shop


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_shop() -> AsyncIterator[Shop]:
    """A shop of all tests of a module whose loop scope is the module."""
    async with opened() as shop:
        yield shop
