"""Lean fetching: readers get of Kafka what aiokafka would give them, and no more."""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition

from shared.messaging.envelope import Raw, received
from shared.messaging.fetching import Fetched, lean
from shared.messaging.subscription import Subscription
from shared.messaging.tests.stage import Feed, records, until
from shared.messaging.topics import PARTITIONS
from shared.testing.infra import Infra


async def sent(feed: Feed, count: int) -> None:
    for n in range(count):
        await feed.send("jars.JarFilled.v1", f"k{n % 7}", {"jar_id": f"k{n % 7}", "sweets": n})


def in_order(found: Sequence[Any]) -> list[Any]:
    return sorted(found, key=lambda raw: (raw.partition, raw.offset))


async def test_lean_records_are_aiokafkas_without_what_nobody_reads(infra: Infra, topic: str, feed: Feed) -> None:
    await sent(feed, 30)
    theirs = in_order(await records(infra.kafka, topic))
    assert {type(raw) for raw in theirs} == {ConsumerRecord}
    consumer = AIOKafkaConsumer(bootstrap_servers=infra.kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        lean(consumer)
        consumer.assign([TopicPartition(topic, p) for p in range(PARTITIONS)])
        for _ in range(2):  # the second time after a seek back
            ours: list[Raw] = []
            for place in consumer.assignment():
                consumer.seek(place, 0)
            while len(ours) < 30:
                for some in (await consumer.getmany(timeout_ms=500, max_records=4)).values():
                    ours += some
            assert {type(raw) for raw in ours} == {Fetched}
            assert [received(raw) for raw in in_order(ours)] == [received(raw) for raw in theirs]
    finally:
        await consumer.stop()


class Nobody(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka carries no types
    async def on_partitions_revoked(self, revoked: object) -> None: ...

    async def on_partitions_assigned(self, assigned: object) -> None: ...


async def test_a_subscription_brings_lean_records(infra: Infra, topic: str, feed: Feed) -> None:
    taken: list[Fetched] = []

    async def receive(found: tuple[Fetched, ...]) -> None:
        taken.extend(found)

    subscription = Subscription(infra.kafka, f"group-of-{topic}", [topic], receive, Nobody(), 10)
    await subscription.start()
    try:
        await sent(feed, 30)
        await until(lambda: len(taken) == 30)
    finally:
        await subscription.stop()
    assert {type(raw) for raw in taken} == {Fetched}
