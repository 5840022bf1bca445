"""`make bench-growth`: what pages, lists and dashboards take with 10,000 events and with 1,000,000 (EVENTS=1000000).

The platform is the real one. Half of the events are campaigns that are drafted and published, half are top-ups of 500
sponsors; they enter through the append library, and services' relays and the gateway's projector take them on. Both
sizes are measured in one run, minutes apart: each read is put in relation to one of that minute that reads nothing.
Before that PostgreSQL does at once what it does by itself in the minutes after rows came: clean up, look what there is.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import orjson
import uvloop

from bench import room
from bench.figures import ROUNDS, Figure, report, say
from bench.flow import METADATA, SPONSORS, top_up
from bench.paced import Asker
from bench.room import Room
from deploy.local.client import Client
from deploy.local.journey import PASSWORD
from services.gateway import consumers
from shared.eventstore.append import Appender
from shared.eventstore.database import Database
from shared.eventstore.entry import Entry, Message, NewEvent
from shared.kernel.ids import new_id
from shared.messaging.topics import topic_name

SMALL = 10_000
LARGE = int(os.environ.get("EVENTS", "1000000"))
BAR = 1.3
TOGETHER = 256  # entries that are under way at once
AHEAD = 20_000  # events at most that the read models may lag behind while the stores grow
READS = 100  # of each kind in each round
DEEP = 20  # pages down
RARE = "sailing"
MOST_SECONDS = 600.0  # without progress of the read models
YARDSTICK = "/livez"
NICHES = ("travel", "running", "cooking", "gaming", "music", "fashion", "science", "gardening")
STANDS = "SELECT coalesce(sum(number), 0)::bigint FROM checkpoints WHERE consumer = $1 AND topic = $2"


def campaign(number: int) -> Entry:
    """Return a campaign that is drafted and published at once; the first twenty are about sailing, no later one is."""
    id, sponsor = new_id(), SPONSORS[number % len(SPONSORS)]
    today = datetime.now(UTC).date()
    terms = {
        "campaign_id": id,
        "sponsor_id": sponsor,
        "title": f"Growth {number}",
        "goals": "To be found",
        "description": "x" * 200 + (f" {RARE}" if number < 60 else ""),
        "niche": RARE if number < 60 else NICHES[number % len(NICHES)],
        "budget_minor": 100_00,
        "currency": "EUR",
        "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=60)).isoformat(),
        "visibility": "public",
    }
    stream = f"campaign-{id}"
    events = []
    for type, body in (
        ("campaigns.CampaignDrafted.v1", terms),
        ("campaigns.CampaignPublished.v1", terms | {"previous": "draft"}),
    ):
        payload = orjson.dumps(body)
        events.append(NewEvent(new_id(), stream, type, payload, Message(type, id, payload)))
    return Entry(METADATA, {stream: 0}, tuple(events))


@dataclass
class Market:
    """What grows: `events` is how many have been appended."""

    opened: Room
    stores: dict[str, Database]
    appenders: dict[str, Appender]
    gateway: Database
    events: int = 0
    _number: int = 0

    async def grow(self, to: int) -> None:
        """Append until there are so many events, and wait until the read models have taken all of them."""
        told = time.monotonic()
        while self.events < to:
            numbers = range(self._number, self._number + TOGETHER)
            await asyncio.gather(
                *(self.appenders["campaigns"].append(campaign(n)) for n in numbers if n % 3 == 0),
                *(self.appenders["payments"].append(top_up(n)) for n in numbers if n % 3 != 0),
            )
            self._number += TOGETHER
            self.events += sum(2 if n % 3 == 0 else 1 for n in numbers)
            if time.monotonic() - told > 10:
                say(f"{self.events:,} of {to:,} events")
                told = time.monotonic()
            await self.taken(within=AHEAD)
        await self.taken(within=0)

    async def taken(self, within: int) -> None:
        """Wait until the read models lag behind by no more events than this; TimeoutError without progress."""
        before, moved = -1, time.monotonic()
        while (left := await self._lag()) > within:
            if left != before:
                before, moved = left, time.monotonic()
            elif time.monotonic() - moved > MOST_SECONDS:
                raise TimeoutError(f"the read models stand still, {left} events behind")
            await asyncio.sleep(0.1)

    async def _lag(self) -> int:
        left = 0
        for service, store in self.stores.items():
            topic = topic_name(self.opened.state.topic_prefix, service)
            published: int = await store.fetchval("SELECT sum(n)::bigint FROM head, unnest(numbers) n")
            left += published - await self.gateway.fetchval(STANDS, consumers.READ_MODELS, topic)
        return left


@asynccontextmanager
async def market(opened: Room) -> AsyncIterator[Market]:
    """Open the stores that grow."""
    urls = opened.state.database_urls
    stores = {service: await Database.open(urls[service], size=2) for service in ("campaigns", "payments")}
    gateway = await Database.open(urls["gateway"], size=1)
    appenders = {service: Appender(store, service) for service, store in stores.items()}
    for appender in appenders.values():
        await appender.start()
    try:
        yield Market(opened, stores, appenders, gateway)
    finally:
        for appender in appenders.values():
            await appender.stop()
        for database in (*stores.values(), gateway):
            await database.close()


@dataclass
class Reader:
    """Somebody who reads; `paths` by what is read."""

    client: Client
    email: str
    password: str
    paths: dict[str, str] = field(default_factory=dict)

    async def requests(self) -> dict[str, bytes]:
        """Return what is sent for each read, with a token that is good for the next minutes."""
        self.client = await self.client.other().sign_in(self.email, self.password)
        host = self.client.base.removeprefix("http://")
        line = "GET {} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n"
        return {name: line.format(path, host, self.client.access).encode() for name, path in self.paths.items()}


async def readers(opened: Room, session: aiohttp.ClientSession) -> list[Reader]:
    """Return a sponsor, an influencer and the admin, who are approved where that is needed."""
    state = opened.state
    nobody = Client(session, state.gateway_url)
    admin = await nobody.other().sign_in(state.admin_email, state.admin_password)
    found = [Reader(admin, state.admin_email, state.admin_password)]
    for role in ("sponsor", "influencer"):
        email = f"{role}-{new_id()}@bench.example"
        body = {"role": role, "name": "Bench", "email": email, "password": PASSWORD}
        id = (await nobody.command("/v1/accounts", body))["id"]
        if role == "sponsor":
            await admin.command(f"/v1/accounts/{id}/approve", {})
        found.append(Reader(nobody, email, PASSWORD))
    owner, sponsor, influencer = found
    sponsor.client = await nobody.other().sign_in(sponsor.email, PASSWORD)
    for _ in range(3):
        await sponsor.client.command("/v1/campaigns", room.draft())
    owner.paths = {
        "an admin's dashboard": "/v1/dashboards/me",
        "all campaigns": "/v1/campaigns?limit=20",
        "all accounts": "/v1/accounts?limit=20",
    }
    sponsor.paths = {"a sponsor's dashboard": "/v1/dashboards/me", "own campaigns": "/v1/campaigns?limit=20"}
    influencer.paths = {
        "open campaigns": "/v1/campaigns?limit=20",
        "open campaigns of a niche": "/v1/campaigns?limit=20&niche=cooking",
        "open campaigns of a rare niche": f"/v1/campaigns?limit=20&niche={RARE}",
        "open campaigns with a word": f"/v1/campaigns?limit=20&q={RARE}",
        "open campaigns of a size": "/v1/campaigns?limit=20&min_budget_minor=5000&max_budget_minor=20000",
    }
    return found


async def settle(opened: Room) -> None:
    """Have the read models vacuumed and analyzed."""
    database = urlsplit(opened.state.database_urls["gateway"]).path
    connection = await asyncpg.connect(urlsplit(opened.state.postgres_admin_url)._replace(path=database).geturl())
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def deep(reader: Reader) -> str:
    """Return the path of a page that is far down."""
    reader.client = await reader.client.other().sign_in(reader.email, reader.password)
    path = "/v1/campaigns?limit=20"
    for _ in range(DEEP):
        cursor = (await reader.client.read(path))["next_cursor"]
        path = f"/v1/campaigns?limit=20&cursor={cursor}"
    return path


async def measured(opened: Room, people: list[Reader]) -> dict[str, tuple[float, ...]]:
    """Return the milliseconds of each read, a median per round, rounds interleaved."""
    await settle(opened)
    people[-1].paths["open campaigns, deep down"] = await deep(people[-1])
    requests: dict[str, bytes] = {}
    for person in people:
        requests |= await person.requests()
    host, port = opened.address("gateway-api").split(":")
    requests["nothing"] = f"GET {YARDSTICK} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    _, asker = await asyncio.get_running_loop().create_connection(Asker, host, int(port))
    times: dict[str, list[float]] = {name: [] for name in requests}
    for number in range(ROUNDS + 1):  # the first warms up
        took: dict[str, list[float]] = {name: [] for name in requests}
        for _ in range(READS):
            for name, request in requests.items():
                began = time.perf_counter()
                status = await asker.ask(request)
                took[name].append(time.perf_counter() - began)
                assert status == 200, f"{name}: {status}"
        if number:
            for name, seconds in took.items():
                times[name].append(median(seconds) * 1e3)
    asker.close()
    return {name: tuple(values) for name, values in times.items()}


def figure(name: str, small: dict[str, tuple[float, ...]], large: dict[str, tuple[float, ...]]) -> Figure:
    """Return how much longer a read takes with many events; both times in relation to reading nothing then."""
    values = [
        (many / nothing_then) / (few / nothing)
        for few, nothing, many, nothing_then in zip(
            small[name], small["nothing"], large[name], large["nothing"], strict=True
        )
    ]
    return Figure(f"growth: {name}", tuple(values), BAR, at_least=False)


async def grown(opened: Room) -> tuple[dict[str, tuple[float, ...]], dict[str, tuple[float, ...]]]:
    """Measure at both sizes."""
    async with aiohttp.ClientSession() as session, market(opened) as growing:
        people = await readers(opened, session)
        await growing.grow(SMALL)
        small = await measured(opened, people)
        began = time.monotonic()
        await growing.grow(LARGE)
        say(f"{(LARGE - SMALL) / (time.monotonic() - began):,.0f} events a second through store, relay and projector")
        return small, await measured(opened, people)


def main() -> int:
    if LARGE <= SMALL:
        sys.exit(f"error: EVENTS must be more than {SMALL}")
    say("starting the platform")
    with room.opened() as opened, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        small, large = runner.run(grown(opened))
    figures = [figure(name, small, large) for name in small if name != "nothing"]
    times = {f"{name}, {SMALL:,}": values for name, values in small.items()}
    times |= {f"{name}, {LARGE:,}": values for name, values in large.items()}
    return report(times, "milliseconds", figures)


if __name__ == "__main__":
    sys.exit(main())
