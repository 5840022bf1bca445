"""The shop and the identity that it trusts, both served for real."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from shared.kernel.record import record
from shared.web.app import create_app
from shared.web.authentication import Authenticator
from shared.web.identity import RemoteIdentity
from shared.web.tests import shop
from shared.web.tests.running import SERVICE_SECRET, Identity, served, until


@record
class Shop:
    """A running shop: where its identity lives, a client with its address, and what is known of identity."""

    identity: Identity
    client: aiohttp.ClientSession
    remote: RemoteIdentity


@pytest.fixture
async def running_shop() -> AsyncIterator[Shop]:
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
