"""Waiting for a Consistency-Token on real checkpoints."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.eventstore.database import Database
from shared.testing.infra import FreshDatabase
from shared.web.consistency import Consistency
from shared.web.tests.running import PATIENCE_SECONDS

CONSUMER = "adrequests"
TOPIC = "sponsio.payments.1"
TOPICS = {"payments": TOPIC}

MOVE = """
INSERT INTO checkpoints (consumer, topic, partition, epoch, number) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (consumer, topic, partition) DO UPDATE SET epoch = excluded.epoch, number = excluded.number
"""
PARK = """
INSERT INTO parked (consumer, unit, topic, partition, number, key, type, value, headers, error, parked_at)
VALUES ($1, 'settlement', $2, 3, $3, 'k', 't', '', '{}', 'e', now())
"""


@pytest.fixture
async def database(store_database: FreshDatabase) -> AsyncIterator[Database]:
    database = await Database.open(store_database.url)
    yield database
    await database.close()


@pytest.fixture
async def consistency(database: Database) -> AsyncIterator[Consistency]:
    consistency = Consistency(database, CONSUMER, TOPICS)
    yield consistency
    await consistency.close()


async def move(database: Database, number: int, epoch: str = "e1", *, notify: bool = True) -> None:
    await database.execute(MOVE, CONSUMER, TOPIC, 3, epoch, number)
    if notify:
        await database.execute("NOTIFY moved")


async def test_what_is_applied_is_reached_and_what_nobody_reads_is_not_waited_for(
    database: Database, consistency: Consistency
) -> None:
    await move(database, 17)
    assert await consistency.reached("payments:3:e1:17")
    assert await consistency.reached("payments:3:e1:5,identity:1:x:99")
    assert await consistency.reached("adrequests:3:mine:1000")


@pytest.mark.parametrize(
    "token", ["payments:3:e1:18", "payments:3:e2:1", "payments:4:e1:1", "payments:3:e1:1,payments:4:e1:1"]
)
async def test_what_is_not_applied_is_not_reached(database: Database, consistency: Consistency, token: str) -> None:
    await move(database, 17)
    assert not await consistency.reached(token, 0.1)


async def test_tokens_that_are_none(consistency: Consistency) -> None:
    for token in ("x", "payments:3:e1", "payments:x:e1:1", "payments:3:e1:1," * 3):
        with pytest.raises(ValueError):
            await consistency.reached(token)


@pytest.mark.parametrize("notify", [True, False])
async def test_many_wait_and_are_woken_when_it_comes(
    database: Database, consistency: Consistency, notify: bool
) -> None:
    waiting = [asyncio.create_task(consistency.reached("payments:3:e1:3", PATIENCE_SECONDS)) for _ in range(100)]
    for number in (1, 2):
        await move(database, number, notify=notify)
        await asyncio.sleep(0.1)
    assert not any(task.done() for task in waiting)
    await move(database, 3, notify=notify)
    assert all(await asyncio.gather(*waiting))


async def test_what_is_parked_is_not_reached_and_not_waited_for(database: Database, consistency: Consistency) -> None:
    await database.execute(PARK, CONSUMER, TOPIC, 10)
    await move(database, 17)
    assert await consistency.reached("payments:3:e1:9")
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert not await consistency.reached("payments:3:e1:17", 10 * PATIENCE_SECONDS)
    await database.execute("DELETE FROM parked")
    assert await consistency.reached("payments:3:e1:17")


async def test_what_was_reached_is_remembered_without_a_query(database: Database, consistency: Consistency) -> None:
    await move(database, 17)
    assert await consistency.reached("payments:3:e1:17")
    database.pool.terminate()
    assert await consistency.reached("payments:3:e1:16")
    assert not await consistency.reached("payments:3:e1:18", 0.1)


async def test_a_listening_connection_that_dies_is_replaced(database: Database, consistency: Consistency) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (listening := consistency._connection) is None:
            assert not await consistency.reached("payments:3:e1:1", 0.5)
    listening.terminate()
    waiting = asyncio.create_task(consistency.reached("payments:3:e1:1", PATIENCE_SECONDS))
    await asyncio.sleep(1.5)
    await move(database, 1)
    assert await waiting
    assert consistency._connection is not listening
