"""Live: a dashboard that changes reaches those who follow it, and nobody else."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson

from services.gateway.live import MOST_STREAMS, Changes
from services.gateway.tests.room import Gateway
from shared.contracts import payments as pa
from shared.kernel.ids import new_id
from shared.web.tests.running import problem, until

NOW = datetime.now(UTC)
PATH = "/v1/dashboards/me/events"


async def next_event(response: aiohttp.ClientResponse) -> tuple[int, Any]:
    """Return id and data of the next event."""
    id = 0
    async with asyncio.timeout(30):
        while True:
            line = (await response.content.readline()).decode().rstrip("\n")
            if line.startswith("id: "):
                id = int(line[4:])
            if line.startswith("data: "):
                return id, orjson.loads(line[6:])


async def top_up(gateway: Gateway, sponsor: str, amount: int = 100) -> None:
    await gateway.tell([(sponsor, pa.WalletToppedUp(new_id(), sponsor, amount, "EUR", "sandbox"), NOW)])


async def test_a_change_is_pushed_to_its_owner_alone(gateway: Gateway) -> None:
    sponsor, other = new_id(), new_id()
    async with (
        gateway.client.get(PATH, headers=gateway.as_(sponsor, "sponsor")) as mine,
        gateway.client.get(PATH, headers=gateway.as_(other, "sponsor")) as others,
        gateway.client.get(PATH, headers=gateway.as_(new_id(), "admin")) as admins,
    ):
        assert mine.headers["content-type"].startswith("text/event-stream")
        assert [(await next_event(stream))[0] for stream in (mine, others, admins)] == [0, 0, 0]
        await top_up(gateway, sponsor)
        version, row = await next_event(mine)
        assert (version, row["money"]["EUR"]["wallet_minor"], row["role"]) == (1, 100, "sponsor")
        assert (await next_event(admins))[1]["money"]["EUR"]["wallets_minor"] == 100
        await top_up(gateway, other, 7)
        assert (await next_event(others))[1]["money"]["EUR"]["wallet_minor"] == 7


async def test_a_stream_goes_on_behind_the_version_that_the_client_has(gateway: Gateway) -> None:
    sponsor = new_id()
    headers = gateway.as_(sponsor, "sponsor")
    await top_up(gateway, sponsor)
    async with gateway.client.get(PATH, headers=headers) as stream:
        version, _ = await next_event(stream)
        assert version == 1
    await top_up(gateway, sponsor)
    async with gateway.client.get(PATH, headers=headers | {"last-event-id": "1"}) as stream:
        assert (await next_event(stream))[0] == 2  # what happened meanwhile, at once
    async with gateway.client.get(PATH, headers=headers | {"last-event-id": "2"}) as stream:
        await stream.content.readline()
        await top_up(gateway, sponsor)
        assert (await next_event(stream))[0] == 3  # and nothing that the client has


async def test_nothing_is_sent_after_the_session_has_ended(gateway: Gateway) -> None:
    sponsor, session = new_id(), new_id()
    headers = gateway.as_(sponsor, "sponsor", sid=session)
    async with gateway.client.get(PATH, headers=headers) as stream:
        assert (await next_event(stream))[0] == 0
        gateway.identity.end(session)

        async def refused() -> bool:
            async with gateway.client.get("/v1/dashboards/me", headers=headers) as response:
                return response.status == 401

        await until(refused)
        await top_up(gateway, sponsor)
        async with asyncio.timeout(30):
            assert b"data:" not in await stream.content.read()  # it ends


async def test_one_account_has_only_so_many_streams(gateway: Gateway) -> None:
    headers = gateway.as_(new_id(), "sponsor")
    streams = [await gateway.client.get(PATH, headers=headers) for _ in range(MOST_STREAMS)]
    for stream in streams:
        await next_event(stream)
    async with gateway.client.get(PATH, headers=headers) as response:
        assert (await problem(response))[:2] == (429, "too-many-requests")
    for stream in streams:
        stream.close()

    async def free() -> bool:
        async with gateway.client.get(PATH, headers=headers) as response:
            return response.status == 200

    await until(free)


def test_announcements_wake_whom_they_concern() -> None:
    changes = Changes()
    with (
        changes.watch("sponsor_dashboard", "a", "a") as a,
        changes.watch("sponsor_dashboard", "b", "b") as b,
        changes.watch("admin_dashboard", "platform", "c") as c,
    ):

        def woken() -> list[bool]:
            found = [each.is_set() for each in (a, b, c)]
            for each in (a, b, c):
                each.clear()
            return found

        changes.wake("changed", '{"p":"sponsor_dashboard","k":[["a",7],["z",1]]}')
        assert woken() == [True, False, False]
        changes.wake("changed", '{"p":"sponsor_dashboard","k":null}')
        assert woken() == [True, True, False]
        changes.wake("changed", "")
        assert woken() == [True, True, True]
        changes.wake("changed", '{"p":"deals","k":[["a",1]]}')
        assert woken() == [False, False, False]
