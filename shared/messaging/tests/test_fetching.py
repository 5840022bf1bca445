"""Opening records while they are fetched: readers get what `received` makes of aiokafka's own records."""

from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition

from shared.messaging.envelope import Broken, Foreign, Received, received
from shared.messaging.fetching import AheadFetcher, Found, all_opened, open_records
from shared.messaging.subscription import Subscription
from shared.messaging.tests.stage import Feed, records, until
from shared.messaging.topics import PARTITIONS, partition_of
from shared.testing.infra import Infra


async def sent(feed: Feed, count: int) -> None:
    """Send so many messages, then one that is broken and one that no relay wrote."""
    for n in range(count - 2):
        await feed.send("jars.JarFilled.v1", f"k{n % 7}", {"jar_id": f"k{n % 7}", "sweets": n})
    await feed.send("jars.JarFilled.v1", "k0", {}, without="ce_time")
    await feed.send("jars.JarFilled.v1", "k1", {}, without="ce_number", number=1)


def told(found: Any) -> list[str]:
    """Return what is found, in an order of its own; two exceptions with one text are not equal."""
    return sorted(repr(each) for each in found)


async def expected(infra: Infra, topic: str) -> list[str]:
    raws = await records(infra.kafka, topic)
    assert {type(raw) for raw in raws} == {ConsumerRecord}
    made: list[Found] = []
    for raw in raws:
        try:
            made.append(received(raw))
        except Foreign as problem:
            made.append(problem)
    assert {type(each) for each in made} == {Received, Broken, Foreign}
    assert told(all_opened(raws)) == told(made)
    assert all_opened(made) == tuple(made)
    return told(made)


async def test_what_is_fetched_is_opened(infra: Infra, topic: str, feed: Feed) -> None:
    await sent(feed, 30)
    consumer = AIOKafkaConsumer(bootstrap_servers=infra.kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        open_records(consumer)
        consumer.assign([TopicPartition(topic, p) for p in range(PARTITIONS)])
        for _ in range(2):  # the second time after a seek back
            brought: list[Found] = []
            for place in consumer.assignment():
                consumer.seek(place, 0)
            while len(brought) < 30:
                for some in (await consumer.getmany(timeout_ms=500, max_records=4)).values():
                    brought += some
            assert told(brought) == await expected(infra, topic)
    finally:
        await consumer.stop()


class Nobody(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka carries no types
    async def on_partitions_revoked(self, revoked: object) -> None: ...

    async def on_partitions_assigned(self, assigned: object) -> None: ...


async def test_a_subscription_brings_what_is_opened_from_the_first_record_on(
    infra: Infra, topic: str, feed: Feed
) -> None:
    brought: list[Found] = []

    async def receive(found: tuple[Found, ...]) -> None:
        brought.extend(found)

    await sent(feed, 30)
    subscription = Subscription(infra.kafka, f"group-of-{topic}", [topic], receive, Nobody(), 10)
    await subscription.start()
    try:
        await until(lambda: len(brought) == 30)
        assert told(brought) == await expected(infra, topic)
        await sent(feed, 30)
        await until(lambda: len(brought) == 60)
        assert told(brought) == await expected(infra, topic)
    finally:
        await subscription.stop()


async def test_a_batch_of_foreign_records_alone_is_brought_like_any_other(infra: Infra, topic: str, feed: Feed) -> None:
    brought: list[Found] = []

    async def receive(found: tuple[Found, ...]) -> None:
        brought.extend(found)

    subscription = Subscription(infra.kafka, f"group-of-{topic}", [topic], receive, Nobody(), 10)
    await subscription.start()
    try:
        for number, kind in enumerate((Foreign, Foreign, Received), 1):
            without = "ce_number" if kind is Foreign else ""
            await feed.send("jars.JarFilled.v1", "k", {}, number=number, without=without)
            await until(lambda number=number: len(brought) == number)
        assert [type(each) for each in brought] == [Foreign, Foreign, Received]
        assert (brought[0].topic, brought[0].offset) == (topic, 0)
    finally:
        await subscription.stop()


async def test_what_is_drained_is_asked_for_again_while_others_are_not(infra: Infra, topic: str, feed: Feed) -> None:
    keys = {partition_of(f"k{n}"): f"k{n}" for n in range(100)}
    consumer = AIOKafkaConsumer(bootstrap_servers=infra.kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        fetcher = open_records(consumer, AheadFetcher)
        for _ in range(2):
            for partition in (0, 1):
                await feed.send("jars.JarFilled.v1", keys[partition], {})
        first, second = (TopicPartition(topic, p) for p in (0, 1))
        consumer.assign([first, second])
        for place in (first, second):
            consumer.seek(place, 0)
        await until(lambda: first in fetcher._records and second in fetcher._records)
        held = fetcher._records[second]
        assert held._backoff == 0  # for as many seconds aiokafka would wait for it
        await consumer.getmany(first)
        await feed.send("jars.JarFilled.v1", keys[0], {})
        await until(lambda: first in fetcher._records)
        assert fetcher._records[second] is held
    finally:
        await consumer.stop()
