"""Scenarios about readers: what the read models make of messages."""

import asyncio
import os
import signal
from contextlib import suppress

import aiohttp
import asyncpg

from deploy.local import process
from shared.eventstore.database import Database
from shared.messaging.republishing import request_republish
from shared.messaging.topics import PARTITIONS
from tests.chaos import checks, parked
from tests.chaos.checks import Broken
from tests.chaos.faults import pid_file
from tests.chaos.market import figures
from tests.chaos.planted.levers import held, replica
from tests.chaos.planted.stage import AMOUNT, Stage

STOPPED_SECONDS = 30.0
LOOK_SECONDS = 15.0  # for somebody to look at a row that is not yet committed, where anybody does
LIVE_PATIENCE = 30.0  # seconds until an open stream shows what is committed


async def _hung_up(stage: Stage, lock: str) -> None:
    """Sponsors top up, and PostgreSQL hangs up on the projector while it waits for the lock."""
    sponsors = await stage.known_to_payments()
    async with held(stage.state, "gateway", lock) as obstacle:
        for sponsor in sponsors:
            await stage.market.top_up(sponsor, AMOUNT)
        await obstacle.until_waiting(1)
        await obstacle.hang_up()
        await obstacle.let_go()
    await stage.read_models_equal_their_rebuild()


async def hung_up_at_the_checkpoint(stage: Stage) -> None:
    """Hang up on the projector when it is to move its checkpoint."""
    await _hung_up(stage, "LOCK TABLE checkpoints IN EXCLUSIVE MODE")


async def hung_up_at_the_rows(stage: Stage) -> None:
    """Hang up on the projector when it is to write its rows."""
    await _hung_up(stage, "LOCK TABLE sponsor_dashboard IN EXCLUSIVE MODE")


async def two_projectors(stage: Stage) -> None:
    """Two projectors fold messages of their partitions into the row of the platform at once."""
    row = "SELECT 1 FROM admin_dashboard FOR UPDATE"
    async with replica(stage.state, stage.folder, "gateway", "projector"):
        async with held(stage.state, "gateway", row) as lock:
            meeting = asyncio.create_task(lock.until_waiting(2))
            while not meeting.done():  # until there are people whose keys are on partitions of both
                await stage.market.register("influencer")
            await meeting
            await lock.let_go()
        await checks.taken(stage.state)
    await stage.read_models_equal_their_rebuild()


async def nothing_more(stage: Stage) -> None:
    """An open market is enough."""
    await stage.read_models_equal_their_rebuild()


async def parked_key(stage: Stage) -> None:
    """PostgreSQL refuses what a message makes of a row; the same sponsor goes on, then the obstacle is taken away."""
    [sponsor, *_] = await stage.known_to_payments()
    poisoned = (await figures(sponsor, "money"))["topped_up_minor"] + AMOUNT  # a row with so much cannot be written
    poison = (
        "ALTER TABLE sponsor_dashboard ADD CONSTRAINT poison CHECK (NOT (key = '{}'"
        " AND coalesce(row -> 'money' -> 'EUR' ->> 'topped_up_minor', '0')::bigint = {}))"
    )
    connection = await asyncpg.connect(stage.state.settings["gateway"]["MIGRATION_DATABASE_URL"])
    try:
        await connection.execute(poison.format(sponsor.id, poisoned))
        await stage.market.top_up(sponsor, AMOUNT)
        await checks.taken(stage.state)
        await stage.market.top_up(sponsor, AMOUNT + 1)  # by itself it would do no harm
        await checks.taken(stage.state)
        if not await connection.fetchval("SELECT count(*) FROM parked"):
            raise Broken("scenario", "the poison has poisoned nothing")
        await parked.in_order(stage.state)
        await connection.execute("ALTER TABLE sponsor_dashboard DROP CONSTRAINT poison")
        await connection.execute("SELECT pg_notify('replay', 'projections')")
        async with asyncio.timeout(checks.PATIENCE):
            while await connection.fetchval("SELECT count(*) FROM parked"):
                await asyncio.sleep(0.1)
    finally:
        await connection.close()
    await stage.read_models_equal_their_rebuild()


async def stopped_relay(stage: Stage) -> None:
    """The relay is stopped under load, another one takes over, the first awakes, and all is published once more."""
    sponsors = await stage.known_to_payments()
    worker = process.find(pid_file(stage.folder, "payments-worker"))
    if worker is None:
        raise Broken("scenario", "payments has no worker")
    async with replica(stage.state, stage.folder, "payments", "worker"):
        async with asyncio.TaskGroup() as group:
            for sponsor in sponsors:
                group.create_task(stage.market.top_up(sponsor, AMOUNT))
            os.kill(worker.pid, signal.SIGSTOP)
            try:
                for sponsor in sponsors:
                    group.create_task(stage.market.top_up(sponsor, AMOUNT))
                await asyncio.sleep(STOPPED_SECONDS)
            finally:
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGCONT)
        await republished(stage)
        for sponsor in sponsors:  # whoever has taken this has come past what was published once more
            await stage.market.top_up(sponsor, AMOUNT)
    await checks.taken(stage.state)
    await checks.money_adds_up(stage.market, patience=10.0)
    await stage.happened_as_told()


async def republished(stage: Stage) -> None:
    """Ask the relay of payments to publish everything again, and wait until it has."""
    database = await Database.open(stage.state.database_urls["payments"], size=1)
    try:
        for partition in range(PARTITIONS):
            await request_republish(database, partition, 1)
        async with asyncio.timeout(checks.PATIENCE):
            while await database.fetchval("SELECT count(*) FROM republishes"):
                await asyncio.sleep(0.1)
    finally:
        await database.close()


async def live_dashboard(stage: Stage) -> None:
    """Somebody follows a dashboard while the projector is held up before its commit."""
    [sponsor, *_] = await stage.known_to_payments()
    client = sponsor.client
    url, headers = f"{client.base}/v1/dashboards/me/events", {"authorization": f"Bearer {client.access}"}
    rows = "SELECT 1 FROM sponsor_dashboard FOR UPDATE"
    async with client.session.get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=None)) as stream:
        shown = await _next_version(stream)
        async with held(stage.state, "gateway", rows) as lock:
            await stage.market.top_up(sponsor, AMOUNT)
            await lock.until_waiting(1)
            await lock.until_read("sponsor_dashboard", LOOK_SECONDS)  # by whoever was told too early
            await lock.let_go()
        await checks.taken(stage.state)
        version = (await client.read("/v1/dashboards/me"))["version"]
        try:
            async with asyncio.timeout(LIVE_PATIENCE):
                while shown < version:
                    shown = await _next_version(stream)
        except TimeoutError:
            what = f"version {version} is committed, and an open stream still shows {shown}"
            raise Broken("live", f"{what} after {LIVE_PATIENCE:.0f} s") from None


async def _next_version(stream: aiohttp.ClientResponse) -> int:
    while line := await stream.content.readline():
        if line.startswith(b"id: "):
            return int(line.removeprefix(b"id: "))
    raise Broken("scenario", "the stream has ended")
