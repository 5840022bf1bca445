"""The runner: every message once in effect, whatever Kafka brings; on real Kafka and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest

from shared.eventstore.database import Database
from shared.eventstore.execute import Overtaken
from shared.messaging import runner
from shared.messaging.parking import request_replay
from shared.messaging.restoring import adopt
from shared.messaging.runner import Runner
from shared.messaging.tests import ledger
from shared.messaging.tests.ledger import Ledger
from shared.messaging.tests.stage import Feed, hang_up, running, until
from shared.messaging.topics import PARTITIONS, create_topics
from shared.messaging.turns import Turn
from shared.testing.infra import FreshDatabase, Infra, OwnKafka

TYPE = "jars.JarFilled.v1"


@pytest.fixture
async def book(reader: Database, reader_owner: Database) -> Ledger:
    await reader_owner.execute(ledger.DDL)
    return Ledger(reader)


@asynccontextmanager
async def consuming(book: Ledger, infra: Infra, topic: str) -> AsyncIterator[Runner]:
    consumer = Runner(book.database, infra.kafka, f"group-of-{topic}", [topic], book)
    async with running(consumer.run()):
        yield consumer


def taken(book: Ledger, wanted: dict[int, list[int]]) -> Callable[[], object]:
    async def check() -> bool:
        return await book.took() == wanted

    return check


async def send(feed: Feed, *numbers: int, partition: int = 0, epoch: str | None = None) -> None:
    for number in numbers:
        await feed.send(TYPE, "k", {"jar_id": "k", "sweets": number}, number=number, epoch=epoch, partition=partition)


async def test_every_message_is_taken_once_and_in_order(book: Ledger, infra: Infra, topic: str, feed: Feed) -> None:
    wanted = {}
    for partition in range(PARTITIONS):
        await send(feed, *range(1, 6), partition=partition)
        wanted[partition] = list(range(1, 8))
    async with consuming(book, infra, topic) as consumer:
        await until(lambda: _count_is(book, 30))
        for partition in range(PARTITIONS):
            await send(feed, 6, 7, partition=partition)
        await until(taken(book, wanted))
        assert consumer.troubles() == []


async def _count_is(book: Ledger, count: int) -> bool:
    return await book.count() == count


async def test_duplicates_are_skipped(book: Ledger, infra: Infra, topic: str, feed: Feed) -> None:
    await send(feed, 1, 2, 3, 2, 1, 3, 4, 2, 3, 4, 5)
    async with consuming(book, infra, topic):
        await until(taken(book, {0: [1, 2, 3, 4, 5]}))


async def test_numbers_that_come_late_are_found(book: Ledger, infra: Infra, topic: str, feed: Feed) -> None:
    await send(feed, 1, 3, 4, 2, 6, 5)
    async with consuming(book, infra, topic) as consumer:
        await until(taken(book, {0: [1, 2, 3, 4, 5, 6]}))
        assert consumer.troubles() == []


async def test_where_a_number_stays_missing_nothing_is_applied_until_it_comes(
    book: Ledger, infra: Infra, topic: str, feed: Feed
) -> None:
    await send(feed, 1, 2, 4, 5)
    await send(feed, 1, 2, partition=1)
    async with consuming(book, infra, topic) as consumer:
        await until(lambda: "missing the message after 2" in "".join(consumer.troubles()))
        await send(feed, 3, partition=1)
        await until(taken(book, {0: [1, 2], 1: [1, 2, 3]}))
        await send(feed, 3, 4, 5)
        await until(taken(book, {0: [1, 2, 3, 4, 5], 1: [1, 2, 3]}))
        assert consumer.troubles() == []


async def test_another_epoch_waits_for_an_operator(
    book: Ledger, infra: Infra, topic: str, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LOOK_AGAIN_SECONDS", 0.5)
    await send(feed, 1, 2, 3)
    await send(feed, 3, 4, epoch="epoch-2")
    async with consuming(book, infra, topic) as consumer:
        await until(lambda: consumer.troubles() and "missing" in consumer.troubles()[0])
        assert await book.took() == {0: [1, 2, 3]}
        assert await adopt(book.database, topic, Turn("epoch-2", (2, 0, 0, 0, 0, 0))) == [book.consumer]
        await until(taken(book, {0: [1, 2, 3, 3, 4]}))
        await until(lambda: consumer.troubles() == [])


async def test_what_fails_is_tried_again(book: Ledger, infra: Infra, topic: str, feed: Feed) -> None:
    book.fail = [OSError("away"), RuntimeError("whatever"), TimeoutError()]
    await send(feed, 1, 2, 3)
    async with consuming(book, infra, topic) as consumer:
        await until(taken(book, {0: [1, 2, 3]}))
        await until(lambda: consumer.troubles() == [])


async def test_a_lost_database_is_waited_for(
    book: Ledger, reader_database: FreshDatabase, infra: Infra, topic: str, feed: Feed
) -> None:
    async with consuming(book, infra, topic):
        for number in range(1, 30):
            await send(feed, number)
            if number % 10 == 0:
                await until(partial(hang_up, infra, reader_database))
        await until(taken(book, {0: list(range(1, 30))}))


async def test_kafkas_own_offsets_are_hints(book: Ledger, infra: Infra, topic: str, feed: Feed) -> None:
    await send(feed, *range(1, 11))
    async with consuming(book, infra, topic):
        await until(taken(book, {0: list(range(1, 11))}))
    async with book.database.pool.acquire() as connection:  # as a database restored from yesterday would have it
        await connection.execute("UPDATE checkpoints SET number = 7, next_offset = 0")
    async with consuming(book, infra, topic):
        await until(taken(book, {0: [*range(1, 11), 8, 9, 10]}))
    async with book.database.pool.acquire() as connection:  # an offset that means nothing in this cluster
        await connection.execute("UPDATE checkpoints SET next_offset = 1000000")
    await send(feed, 11)
    async with consuming(book, infra, topic):
        await until(taken(book, {0: [*range(1, 11), 8, 9, 10, 11]}))


async def test_records_that_are_not_ours_are_stepped_over(book: Ledger, infra: Infra, topic: str, feed: Feed) -> None:
    await send(feed, 1)
    await feed.send(TYPE, "k", b"\xff", number=1, without="ce_number", partition=0)
    await feed.send(TYPE, "k", {}, number=2, without="ce_type", partition=0)
    await send(feed, 3)
    async with consuming(book, infra, topic):
        await until(taken(book, {0: [1, 2, 3]}))


async def test_two_consumers_that_come_and_go_take_each_message_once(
    book: Ledger, infra: Infra, topic: str, feed: Feed
) -> None:
    async def produce() -> None:
        for number in range(1, 101):
            for partition in range(PARTITIONS):
                await send(feed, number, partition=partition)

    wanted = {partition: list(range(1, 101)) for partition in range(PARTITIONS)}
    async with running(produce()) as producing, consuming(book, infra, topic) as first:
        await until(lambda: not first.troubles())
        for _ in range(2):
            async with consuming(book, infra, topic) as second:
                await until(partial(_both_have_some, first, second))
                await asyncio.sleep(0.5)
        await producing
        await until(taken(book, wanted))


def _both_have_some(first: Runner, second: Runner) -> bool:
    return all(0 < len(one._following.places()) < PARTITIONS for one in (first, second))


async def test_a_consumer_that_was_overtaken_begins_anew(book: Ledger, infra: Infra, topic: str, feed: Feed) -> None:
    async with consuming(book, infra, topic):
        await send(feed, 1)
        await until(taken(book, {0: [1]}))
        await book.database.execute("UPDATE checkpoints SET number = 2, next_offset = 2")
        await send(feed, 2, 3)
        await until(taken(book, {0: [1, 3]}))


async def test_what_is_parked_is_tried_at_the_start_and_when_asked(book: Ledger, infra: Infra, topic: str) -> None:
    async with consuming(book, infra, topic):
        await until(lambda: book.replays)
        assert len(book.replays[0]) == PARTITIONS
        before = len(book.replays)
        await until(lambda: _ask(book, before))


async def _ask(book: Ledger, before: int) -> bool:
    await request_replay(book.database, book.consumer)
    return len(book.replays) > before


async def test_a_consumer_waits_for_kafka_and_stops_without_it(
    book: Ledger, own_kafka: OwnKafka, topic_prefix: str
) -> None:
    [topic] = await create_topics(own_kafka.bootstrap, topic_prefix, ["jars"])
    feed = Feed(own_kafka.bootstrap, topic)
    await feed.start()
    await send(feed, 1, 2)
    await feed.stop()
    await asyncio.to_thread(own_kafka.kill)
    consumer = Runner(book.database, own_kafka.bootstrap, "group", [topic], book)
    async with running(consumer.run()):
        await asyncio.sleep(2)
        await asyncio.to_thread(own_kafka.start)
        await until(taken(book, {0: [1, 2]}))
        await asyncio.to_thread(own_kafka.kill)
        await asyncio.sleep(1)
    assert await book.took() == {0: [1, 2]}


async def test_what_was_taken_is_settled_and_a_failure_loses_nothing(
    book: Ledger, infra: Infra, topic: str, feed: Feed
) -> None:
    book.fail_settling.append(Overtaken("somebody else has moved it"))
    async with consuming(book, infra, topic):
        await send(feed, 1)
        await until(taken(book, {0: [1]}))
        await until(lambda: not book.fail_settling)
        await send(feed, 2)
        await until(taken(book, {0: [1, 2]}))
        await until(lambda: book.settled)
