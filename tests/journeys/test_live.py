"""Dashboards are live: pushed to their owner through the whole platform, gone on with, ended with the session."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson

from deploy.local.client import Client
from tests.conftest import PATIENCE_SECONDS, somebody

PATH = "/v1/dashboards/me/events"


async def arrived(admin: Client) -> Client:
    """Return a sponsor who has just been approved, and who has seen that."""
    person = somebody("sponsor")
    await admin.other().command("/v1/accounts", person)
    sponsor = await admin.other().sign_in(person["email"], person["password"])
    await admin.command(f"/v1/accounts/{sponsor.account_id}/approve")
    sponsor.seen = admin.seen
    return sponsor


def follow(who: Client, last: str = "") -> Any:
    """Open the stream of somebody's figures."""
    headers = {"authorization": f"Bearer {who.access}"} | ({"last-event-id": last} if last else {})
    return who.session.get(who.base + PATH, headers=headers, timeout=aiohttp.ClientTimeout(total=None))


async def event(stream: aiohttp.ClientResponse, wanted: Callable[[Any], bool]) -> tuple[str, Any]:
    """Return id and row of the first event that is wanted."""
    id = ""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while line := (await stream.content.readline()).decode().rstrip("\n") or " ":
            if line.startswith("id: "):
                id = line[4:]
            if line.startswith("data: ") and wanted(row := orjson.loads(line[6:])):
                return id, row
    raise AssertionError("the stream has ended")


def wallet(minor: int) -> Callable[[Any], bool]:
    return lambda row: row["money"].get("EUR", {}).get("wallet_minor") == minor


async def test_figures_are_pushed_gone_on_with_and_ended_with_the_session(admin: Client) -> None:
    sponsor, other = await arrived(admin), await arrived(admin)
    async with follow(sponsor) as mine, follow(other) as others:
        await sponsor.command("/v1/wallet/top-ups", {"amount_minor": 10_00, "currency": "EUR"})
        version, _ = await event(mine, wallet(10_00))
        await other.command("/v1/wallet/top-ups", {"amount_minor": 3_00, "currency": "EUR"})
        while not wallet(3_00)((seen := await event(others, lambda row: True))[1]):
            assert not wallet(10_00)(seen[1])  # the other's figures are nobody else's
    await sponsor.command("/v1/wallet/top-ups", {"amount_minor": 5_00, "currency": "EUR"})
    async with follow(sponsor, version) as mine:
        first, row = await event(mine, lambda row: True)
        assert wallet(15_00)(row) or (first != version and wallet(15_00)((await event(mine, wallet(15_00)))[1]))
        assert (await sponsor.send("POST", "/v1/sessions/sign-out")).status == 204
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await sponsor.send("GET", "/v1/dashboards/me")).status == 200:
                await asyncio.sleep(0.05)
            await mine.content.read()  # it ends
