"""A small believable market for `make run`: two sponsors, three influencers, campaigns, an offer and a deal under way.

Idempotent: what is there is left alone, and what an interrupted run has left out is made. It prints who can sign in.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from deploy.local.client import Client, Refused
from deploy.local.journey import everything
from shared.kernel.record import record

PATIENCE_SECONDS = 60.0


@record
class Somebody:
    """A person of the demo market; `email` is what one signs in with."""

    role: str
    name: str
    email: str
    bio: str = ""
    niche: str = ""
    followers: int = 0


SPONSORS = (
    Somebody("sponsor", "Lumen Coffee", "lumen@sponsio.example"),
    Somebody("sponsor", "Nordlicht Outdoor", "nordlicht@sponsio.example"),
)
INFLUENCERS = (
    Somebody("influencer", "Ayla Demir", "ayla@sponsio.example", "Espresso, slowly", "food", 58_200),
    Somebody("influencer", "Jonas Weber", "jonas@sponsio.example", "Huts, ridges, bad weather", "travel", 121_000),
    Somebody("influencer", "Priya Nair", "priya@sponsio.example", "Small kitchens, big flavours", "food", 33_900),
)
#: Sponsor, title, goals, description, niche, budget in euro cents.
CAMPAIGNS = (
    (0, "Autumn roast", "Launch the new roast", "Show how the first cup of the day is made", "food", 4_000_00),
    (0, "Office barista", "Win offices", "A week of coffee at work", "food", 2_500_00),
    (1, "Hut to hut", "Reach hikers", "Three days in the mountains with our pack", "travel", 6_000_00),
)


async def run(gateway: str, admin_email: str, admin_password: str, password: str) -> None:
    """Fill what is missing; raises Refused, or TimeoutError where something is not seen in time."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        nobody = Client(session, gateway)
        admin = await nobody.other().sign_in(admin_email, admin_password)
        sponsors = [await _arrive(nobody.other(), who, password) for who in SPONSORS]
        influencers = [await _arrive(nobody.other(), who, password) for who in INFLUENCERS]
        for client in sponsors:
            if (await client.read("/v1/accounts/me"))["state"] == "pending_approval":
                await admin.command(f"/v1/accounts/{client.account_id}/approve")
            await _until(client, "/v1/dashboards/me", lambda own: own["account"]["state"] == "active")
        for client, who in zip(influencers, INFLUENCERS, strict=True):
            await _introduce(client, who)
        campaigns = [await _campaign(sponsors[each[0]], each) for each in CAMPAIGNS]
        await _trade(sponsors, influencers, campaigns)


async def _arrive(client: Client, who: Somebody, password: str) -> Client:
    try:
        return await client.sign_in(who.email, password)
    except Refused as refusal:
        if refusal.status != 401:
            raise
    registration = {"role": who.role, "name": who.name, "email": who.email, "password": password}
    await client.command("/v1/accounts", registration)
    await client.sign_in(who.email, password)
    await _until(client, "/v1/dashboards/me", lambda own: own["account"]["state"] != "")
    return client


async def _introduce(client: Client, who: Somebody) -> None:
    if (await client.read("/v1/accounts/me"))["profile"]["bio"]:
        return
    platforms = [{"platform": "instagram", "followers": who.followers, "handle": who.email.partition("@")[0]}]
    profile = {"name": who.name, "bio": who.bio, "niche": who.niche, "platforms": platforms}
    await client.command("/v1/accounts/me/profile", profile, method="PUT")


async def _campaign(sponsor: Client, what: tuple[int, str, str, str, str, int]) -> str:
    _, title, goals, description, niche, budget_minor = what
    for own in await everything(sponsor, "/v1/campaigns"):
        if own["title"] == title:
            return str(own["campaign_id"])
    today = datetime.now(UTC).date()
    drafted = await sponsor.command("/v1/campaigns", {
        "title": title, "goals": goals, "description": description, "niche": niche, "budget_minor": budget_minor,
        "currency": "EUR", "visibility": "public", "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=90)).isoformat(),
    })  # fmt: skip
    await sponsor.command(f"/v1/campaigns/{drafted['id']}/publish")
    await _until(sponsor, f"/v1/campaigns/{drafted['id']}", lambda own: own["state"] == "active")
    return str(drafted["id"])


async def _trade(sponsors: list[Client], influencers: list[Client], campaigns: list[str]) -> None:
    """One application, one open offer, one funded deal."""
    if await everything(sponsors[0], "/v1/ad-requests"):
        return
    lumen, (ayla, _, priya) = sponsors[0], influencers
    await lumen.command("/v1/wallet/top-ups", {"amount_minor": 3_000_00, "currency": "EUR"})
    await _quietly(priya.command(f"/v1/campaigns/{campaigns[0]}/applications", {
        "message": "My kitchen smells of your coffee already", "price_minor": 450_00, "currency": "EUR",
    }))  # fmt: skip
    offers = {}
    for influencer, deliverable, amount_minor in (
        (ayla, "One reel and two stories about the first cup", 800_00),
        (priya, "A recipe with the autumn roast", 450_00),
    ):
        offers[influencer.account_id] = await lumen.command("/v1/ad-requests", {
            "campaign_id": campaigns[0], "influencer_id": influencer.account_id, "amount_minor": amount_minor,
            "currency": "EUR", "deliverable": deliverable, "message": "We would love to work with you",
        })  # fmt: skip
    address = f"/v1/ad-requests/{offers[ayla.account_id]['id']}"
    await _until(ayla, address, lambda own: own["turn"] == "influencer")
    accepted = await ayla.command(f"{address}/accept", {"version": 1})
    await _until(lumen, f"/v1/deals/{accepted['deal_id']}", lambda own: own["state"] == "funded")


async def _quietly(command: Any) -> None:
    """Do what an interrupted run may have done before."""
    try:
        await command
    except Refused as refusal:
        if refusal.status != 409:
            raise


async def _until(client: Client, address: str, good: Callable[[dict[str, Any]], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                if good((await client.read(address)).body):
                    return
            except Refused as refusal:
                if refusal.status != 404:
                    raise
            await asyncio.sleep(0.05)


def main() -> None:
    password = os.environ["DEMO_PASSWORD"]
    try:
        asyncio.run(run(os.environ["GATEWAY_URL"], os.environ["ADMIN_EMAIL"], os.environ["ADMIN_PASSWORD"], password))
    except (Refused, TimeoutError) as problem:
        sys.exit(f"the demo market could not be seeded: {type(problem).__name__} {problem}")
    for who in (*SPONSORS, *INFLUENCERS):
        print(f"{who.role:<13} {who.email:<27} {password}")


if __name__ == "__main__":
    main()
