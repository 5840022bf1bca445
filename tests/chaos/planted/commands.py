"""Scenarios about commands: what is answered, what happens, and what a decision is made on."""

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from shared.eventstore.append import Appender
from shared.eventstore.database import Database
from shared.eventstore.entry import Entry, Metadata, NewEvent
from shared.kernel.ids import new_id
from shared.kernel.routing import partition_of
from tests.chaos import checks
from tests.chaos.checks import Broken
from tests.chaos.market import Person, top_up
from tests.chaos.planted.levers import Held, held, inserts_held, replica
from tests.chaos.planted.stage import AMOUNT, HEAD, Stage


async def _hung_up(stage: Stage, lock: AbstractAsyncContextManager[Held]) -> None:
    """Sponsors top up, and PostgreSQL hangs up on whoever of payments waits for the lock; clients ask again."""
    sponsors = await stage.known_to_payments()
    async with lock as obstacle, asyncio.TaskGroup() as group:
        for sponsor in sponsors:
            group.create_task(stage.market.top_up(sponsor, AMOUNT))
        await obstacle.until_waiting(1)
        await obstacle.hang_up()
        await obstacle.let_go()
    await stage.happened_as_told()


async def hung_up_at_the_answers(stage: Stage) -> None:
    """Hang up between an event and the answer that is kept for its key."""
    await _hung_up(stage, inserts_held(stage.state, "payments", "answers"))


async def hung_up_at_the_head(stage: Stage) -> None:
    """Hang up before a commit."""
    await _hung_up(stage, held(stage.state, "payments", HEAD))


async def two_replicas_withdraw(stage: Stage) -> None:
    """Two replicas decide on two withdrawals of all that there is, before either of them can commit."""
    [sponsor, *_], [influencer, *_] = stage.market.sponsors, stage.market.influencers
    available = await stage.market.earn(sponsor, influencer, AMOUNT)
    async with replica(stage.state, stage.folder, "payments", "api") as address:
        elsewhere = replace(influencer, client=replace(influencer.client, base=address))
        async with held(stage.state, "payments", HEAD) as append_lock, asyncio.TaskGroup() as group:
            for who in (influencer, elsewhere):
                group.create_task(stage.market.withdraw(who, available))
            await append_lock.until_waiting(2)
            await append_lock.let_go()
    await checks.verified(stage.state, "payments")
    await stage.happened_as_told()


async def two_replicas_publish(stage: Stage) -> None:
    """Two replicas append what goes to two partitions, before either of them can commit."""
    first, second = _on_two_partitions(await stage.known_to_payments())
    async with replica(stage.state, stage.folder, "payments", "api") as address:
        elsewhere = replace(second, client=replace(second.client, base=address))
        async with held(stage.state, "payments", HEAD) as append_lock, asyncio.TaskGroup() as group:
            for who in (first, elsewhere):
                group.create_task(stage.market.top_up(who, AMOUNT))
            await append_lock.until_waiting(2)
            await append_lock.let_go()
    await checks.taken(stage.state)
    await checks.verified(stage.state, "payments")
    await stage.happened_as_told()


def _on_two_partitions(people: list[Person]) -> tuple[Person, Person]:
    for other in people[1:]:
        if partition_of(other.id) != partition_of(people[0].id):
            return people[0], other
    raise Broken("scenario", "all these people are on one partition: try again")


async def restricted_meanwhile(stage: Stage) -> None:
    """A sponsor is restricted, and payments learns of it while a top-up of theirs is decided and not yet committed."""
    market = stage.market
    sponsor = await market.newcomer("sponsor")
    await market.top_up(sponsor, AMOUNT)
    async with held(stage.state, "payments", HEAD) as append_lock, asyncio.TaskGroup() as group:
        await market.until_accepted(market.admin, f"/v1/accounts/{sponsor.id}/flag", {"reason": "spam"})
        await append_lock.until_waiting(1)  # the worker, with the standing
        group.create_task(market.command(sponsor, *top_up(AMOUNT)))
        await append_lock.until_waiting(2)
        await append_lock.let_go()
    await checks.nobody_restricted_acted(stage.state)
    await stage.happened_as_told()


async def old_event(stage: Stage) -> None:
    """An event of an earlier release says that a sponsor is restricted, who then tops up all the same."""
    sponsor = await stage.market.newcomer("sponsor")
    await stage.market.top_up(sponsor, AMOUNT)
    fields = {"account_id": sponsor.id, "role": "sponsor", "state": "active", "restriction": "spam"}
    noted = NewEvent(new_id(), f"standing-{sponsor.id}", "accounts.StandingNoted.v1", json.dumps(fields).encode())
    database = await Database.open(stage.state.database_urls["payments"], size=1)
    appender = Appender(database, "payments")
    await appender.start()
    try:
        await appender.append(Entry(Metadata("system:accounts_followed", new_id()), {}, (noted,)))
    finally:
        await appender.stop()
        await database.close()
    await stage.market.command(sponsor, *top_up(AMOUNT))
    await checks.nobody_restricted_acted(stage.state)
    await stage.happened_as_told()
