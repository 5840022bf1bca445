"""Health over real HTTP: alone in front of a worker, and inside a service's app."""

import asyncio

import aiohttp
import pytest

from shared.web.app import create_app
from shared.web.health import Health
from shared.web.tests.running import served


async def good() -> None: ...


async def no() -> bool:
    return False


async def broken() -> None:
    raise ConnectionError("10.0.0.1")


async def hanging() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("inside", [True, False])
async def test_readiness_names_what_fails(inside: bool) -> None:
    checks = {"database": good, "relay": no, "kafka": broken, "consumer": hanging}
    app = create_app("a", [], [], authenticator=None, checks=checks) if inside else Health(checks)
    async with served(app) as address, aiohttp.ClientSession(address) as client:
        response = await client.get("/readyz")
        assert response.status == 503
        assert await response.json() == {"status": "failing", "failing": ["relay", "kafka", "consumer"]}
        response = await client.get("/livez")
        assert (response.status, await response.json()) == (200, {"status": "ok"})
        response = await client.get("/metrics")
        assert response.status == 200
        assert "process_resident_memory_bytes" in await response.text()
        assert (await client.get("/other")).status == 404
        assert (await client.post("/readyz")).status in (404, 405)
        assert (await client.head("/livez")).status == 200


async def test_ready_when_nothing_fails() -> None:
    async with served(Health({"database": good})) as address, aiohttp.ClientSession(address) as client:
        assert (await client.get("/readyz")).status == 200
