"""Erasure: of twenty marked strings that two people left behind none is found anywhere; the chains still verify."""

import asyncio
import json
import secrets
from datetime import UTC, datetime, timedelta

import asyncpg
from aiokafka import AIOKafkaConsumer

from deploy.local.client import Client
from deploy.local.journey import PASSWORD
from deploy.local.verify import verify_all
from shared.contracts.catalogue import PRODUCERS
from shared.messaging.topics import topic_name
from tests.conftest import PATIENCE_SECONDS, Platform

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


class Marks:
    """Strings that occur nowhere else."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def new(self) -> str:
        mark = secrets.token_hex(14)  # a phone number may have no more
        self.made.append(mark)
        return mark

    def found_in(self, text: str) -> list[str]:
        return [mark for mark in self.made if mark in text]


async def in_databases(platform: Platform, marks: Marks) -> dict[str, list[str]]:
    """Return the tables that hold a mark, of all databases."""
    found: dict[str, list[str]] = {}
    for service in platform.state.settings:
        connection: asyncpg.Connection[asyncpg.Record] = await platform.connect(service)
        try:
            for table in await connection.fetch(TABLES):
                name = table["tablename"]
                rows = await connection.fetch(f'SELECT t::text AS row FROM "{name}" t')
                byteas = await connection.fetch("SELECT convert_from(body, 'UTF8') AS row FROM answers")
                text = "\n".join(row["row"] for row in (*rows, *(byteas if name == "answers" else ())))
                if here := marks.found_in(text):
                    found[f"{service}.{name}"] = here
        finally:
            await connection.close()
    return found


async def in_kafka(platform: Platform, marks: Marks) -> list[str]:
    """Return the marks that any record of any topic holds, in key, value or headers."""
    names = [topic_name(platform.state.topic_prefix, producer) for producer in PRODUCERS]
    consumer = AIOKafkaConsumer(
        *names, bootstrap_servers=platform.state.kafka, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        read, text = 0, []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                read += len(records)
                text += [repr((record.key, record.value, record.headers)) for record in records]
        assert read > 0
        return marks.found_in("\n".join(text))
    finally:
        await consumer.stop()


def in_logs(platform: Platform, marks: Marks) -> dict[str, list[str]]:
    """Return the log files that hold a mark."""
    files = {file.name: file.read_text(errors="replace") for file in (platform.folder / "logs").glob("*.log")}
    assert files
    return {name: here for name, text in files.items() if (here := marks.found_in(text))}


async def in_answers(people: list[Client], addresses: list[str], marks: Marks) -> dict[str, list[str]]:
    """Return the addresses of the gateway that answer with a mark."""
    found = {}
    for who in people:
        for address in addresses:
            reply = await who.send("GET", address)
            if here := marks.found_in(json.dumps(reply.body)):
                found[address] = here
    return found


async def test_nothing_personal_is_left_anywhere(platform: Platform, admin: Client, nobody: Client) -> None:
    marks = Marks()
    sponsor, influencer = nobody.other(), nobody.other()
    emails = {}
    for client, role in ((sponsor, "sponsor"), (influencer, "influencer")):
        emails[role] = f"{marks.new()}@erased.example"
        person = {"role": role, "name": marks.new(), "email": emails[role], "password": PASSWORD}
        await client.command("/v1/accounts", person)
        await client.sign_in(emails[role], PASSWORD)
        profile = {
            "name": marks.new(), "phone": marks.new(), "bio": marks.new(), "niche": "food",
            "platforms": [
                {"platform": platform, "followers": 10, "handle": marks.new()}
                for platform in ("instagram", "youtube") if role == "influencer"
            ],
        }  # fmt: skip
        await client.command("/v1/accounts/me/profile", profile, method="PUT")
    await admin.command(f"/v1/accounts/{sponsor.account_id}/approve")
    await seen(sponsor, "/v1/dashboards/me", "active")
    today = datetime.now(UTC).date()
    campaign = await sponsor.command("/v1/campaigns", {
        "title": "Erasure", "goals": "none", "description": "none", "niche": "food", "budget_minor": 500_00,
        "currency": "EUR", "visibility": "public", "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=9)).isoformat(),
    })  # fmt: skip
    await sponsor.command(f"/v1/campaigns/{campaign['id']}/publish")
    await seen(influencer, f"/v1/campaigns/{campaign['id']}", "active")
    await influencer.command(f"/v1/campaigns/{campaign['id']}/applications", {"message": marks.new()})
    await sponsor.command("/v1/wallet/top-ups", {"amount_minor": 500_00, "currency": "EUR"})
    offer = {"amount_minor": 100_00, "currency": "EUR", "deliverable": "One story"}
    sent = await sponsor.command("/v1/ad-requests", {
        **offer, "campaign_id": campaign["id"], "influencer_id": influencer.account_id, "message": marks.new(),
    })  # fmt: skip
    address = f"/v1/ad-requests/{sent['id']}"
    await seen(influencer, address, "sent")
    await influencer.command(f"{address}/counter", {**offer, "version": 1, "message": marks.new()})
    await seen(sponsor, address, "countered")
    await sponsor.command(f"{address}/counter", {**offer, "version": 2, "message": marks.new()})
    accepted = await influencer.command(f"{address}/accept", {"version": 3})
    deal = f"/v1/deals/{accepted['deal_id']}"
    await seen(influencer, deal, "funded")
    for post in ("first", "second", "third"):
        await influencer.command(f"{deal}/submissions", {"post_url": f"https://social.example/{post}"})
        await seen(sponsor, deal, "submitted")
        if post != "third":
            await sponsor.command(f"{deal}/request-changes", {"note": marks.new()})
            await seen(influencer, deal, "changes_requested")
    await sponsor.command(f"{deal}/approve")
    await seen(influencer, deal, "completed")
    await sponsor.command(f"{deal}/ratings", {"stars": 5, "review": marks.new()})
    await influencer.command(f"{deal}/ratings", {"stars": 5, "review": marks.new()})
    assert len(marks.made) == 20

    addresses = [
        *("/v1/accounts", "/v1/influencers", "/v1/campaigns", "/v1/deals", "/v1/ad-requests", "/v1/applications"),
        *(f"{address}/messages", f"{deal}/notes", f"{deal}/reviews", "/v1/dashboards/me", address, deal),
        f"/v1/influencers/{influencer.account_id}",
    ]
    kept = await in_databases(platform, marks)
    assert {"identity.people", "gateway.people", "adrequests.private_texts", "campaigns.application_messages"} <= set(
        kept
    )
    assert await in_answers([sponsor, influencer, admin], addresses, marks)

    for client in (influencer, sponsor):
        await client.command("/v1/accounts/me/erasure")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await in_databases(platform, marks):
            await asyncio.sleep(0.2)
    assert await in_databases(platform, marks) == {}
    assert await in_kafka(platform, marks) == []
    assert in_logs(platform, marks) == {}
    assert await in_answers([admin], addresses, marks) == {}
    assert await verify_all(platform.state)
    again = {"role": "sponsor", "name": "Somebody else", "email": emails["sponsor"], "password": PASSWORD}
    assert (await nobody.other().command("/v1/accounts", again)).status == 201


async def seen(who: Client, address: str, state: str) -> None:
    """Wait until somebody sees an object, or the own account, in a state."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            reply = await who.send("GET", address)
            told = (reply.body or {}).get("account", reply.body or {}).get("state") if reply.status == 200 else None
            if told == state:
                return
            await asyncio.sleep(0.05)
