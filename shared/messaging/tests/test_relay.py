"""The relay: in order, at least once, one leader; on real Kafka and PostgreSQL."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from shared.eventstore.execute import Store
from shared.eventstore.tests import jar
from shared.eventstore.work import Work
from shared.messaging.audit import audit
from shared.messaging.envelope import place
from shared.messaging.relay import Relay
from shared.messaging.republishing import request_republish
from shared.messaging.tests.stage import LEADING_SESSION, ME, Feed, hang_up, records, running, until
from shared.messaging.topics import PARTITIONS, create_topics
from shared.testing.infra import FreshDatabase, Infra, OwnKafka


async def fill(store: Store, count: int, jars: int = 12) -> None:
    async def one(number: int, work: Work) -> dict[str, str]:
        await work.decide(jar, f"jar-{number % jars}", jar.Fill(f"jar-{number % jars}", number))
        return {}

    for begin in range(0, count, 200):
        await asyncio.gather(*(store.execute(partial(one, n), ME) for n in range(begin, min(begin + 200, count))))


async def numbers(bootstrap: str, topic: str) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for raw in await records(bootstrap, topic):
        found.setdefault(raw.partition, []).append(place(raw)[1])
    return found


async def test_everything_published_arrives_in_order(jars: Store, infra: Infra, topic: str) -> None:
    await fill(jars, 1_200)
    relay = Relay(jars.database, "jars", topic, infra.kafka)
    async with running(relay.run()):
        await until(lambda: relay.sent == 1_200)
        await fill(jars, 50)
        await until(lambda: relay.sent == 1_250)
    found = await numbers(infra.kafka, topic)
    assert sum(map(len, found.values())) == 1_250
    assert all(of_partition == list(range(1, len(of_partition) + 1)) for of_partition in found.values())
    assert await audit(jars.database, infra.kafka, topic, "jars") == 1_250


async def test_a_relay_that_starts_goes_on_where_kafka_ends(jars: Store, infra: Infra, topic: str) -> None:
    for _ in range(3):
        await fill(jars, 30)
        relay = Relay(jars.database, "jars", topic, infra.kafka)
        async with running(relay.run()):
            await until(partial(_has_sent, relay, 30))
    assert sum(map(len, (await numbers(infra.kafka, topic)).values())) == 90
    assert await audit(jars.database, infra.kafka, topic, "jars") == 90


async def test_what_has_no_message_is_looked_at_once(jars: Store, infra: Infra, topic: str) -> None:
    async def take(work: Work) -> dict[str, str]:
        await work.decide(jar, "jar-1", jar.Take("jar-1", 1))
        return {}

    await fill(jars, 30)
    relay = Relay(jars.database, "jars", topic, infra.kafka, batch=10)
    async with running(relay.run()):
        await until(partial(_has_sent, relay, 30))
        for _ in range(5):
            await jars.execute(take, ME)
        await until(lambda: relay.position == 35)
        await fill(jars, 1)
        await until(partial(_has_sent, relay, 31))
    assert await audit(jars.database, infra.kafka, topic, "jars") == 31


def _has_sent(relay: Relay, count: int) -> bool:
    return relay.sent == count


async def test_of_two_relays_one_leads_and_the_other_takes_over(jars: Store, infra: Infra, topic: str) -> None:
    relays = [Relay(jars.database, "jars", topic, infra.kafka) for _ in range(2)]
    async with running(relays[0].run()) as first:
        await until(lambda: relays[0].leading)
        async with running(relays[1].run()):
            await fill(jars, 20)
            await until(lambda: relays[0].sent == 20)
            assert not relays[1].leading
            first.cancel()
            await until(lambda: relays[1].leading)
            await fill(jars, 20)
            await until(lambda: relays[1].sent == 20)
    assert await audit(jars.database, infra.kafka, topic, "jars") == 40


@asynccontextmanager
async def relay_process(url: str, topic: str, bootstrap: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.messaging.tests.relay_process", url, topic, bootstrap, cwd=os.getcwd()
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_relay_killed_in_mid_stream_loses_nothing(
    jars: Store, store_database: FreshDatabase, infra: Infra, topic: str
) -> None:
    await fill(jars, 3_000)
    for _ in range(2):
        async with relay_process(store_database.url, topic, infra.kafka) as process:
            before = len(await records(infra.kafka, topic))
            await until(partial(_more_than, infra.kafka, topic, before + 40))
            process.send_signal(signal.SIGKILL)
    assert len(await records(infra.kafka, topic)) < 3_000
    relay = Relay(jars.database, "jars", topic, infra.kafka)
    async with running(relay.run()):
        assert await audit(jars.database, infra.kafka, topic, "jars") == 3_000


async def _more_than(bootstrap: str, topic: str, count: int) -> bool:
    return len(await records(bootstrap, topic)) > count


async def test_a_frozen_leader_loses_the_lock_and_does_no_harm_when_it_wakes(
    jars: Store, store_database: FreshDatabase, infra: Infra, topic: str
) -> None:
    async with relay_process(store_database.url, topic, infra.kafka) as process:
        await fill(jars, 10)
        await until(partial(_more_than, infra.kafka, topic, 9))
        process.send_signal(signal.SIGSTOP)
        await fill(jars, 10)
        relay = Relay(jars.database, "jars", topic, infra.kafka)
        async with running(relay.run()):
            await until(lambda: relay.leading and relay.sent == 10)
            process.send_signal(signal.SIGCONT)
            await fill(jars, 10)
            await until(lambda: relay.sent == 20)
            assert relay.leading
    assert await audit(jars.database, infra.kafka, topic, "jars") == 30


async def test_a_relay_survives_a_kafka_that_goes_away(jars: Store, own_kafka: OwnKafka, topic_prefix: str) -> None:
    [topic] = await create_topics(own_kafka.bootstrap, topic_prefix, ["jars"])
    relay = Relay(jars.database, "jars", topic, own_kafka.bootstrap)
    async with running(relay.run()):
        await fill(jars, 100)
        await until(lambda: relay.sent == 100)
        await asyncio.to_thread(own_kafka.kill)
        await fill(jars, 100)
        await until(lambda: relay.failures > 0)
        await asyncio.to_thread(own_kafka.start)
        assert await audit(jars.database, own_kafka.bootstrap, topic, "jars", patience=60) == 200


async def test_a_relay_survives_a_lost_database_session(
    jars: Store, store_database: FreshDatabase, infra: Infra, topic: str
) -> None:
    relay = Relay(jars.database, "jars", topic, infra.kafka)
    async with running(relay.run()):
        await fill(jars, 10)
        await until(lambda: relay.sent == 10)
        assert await hang_up(infra, store_database, LEADING_SESSION) == 1
        await fill(jars, 10)
        await until(lambda: relay.sent == 20)
    assert await audit(jars.database, infra.kafka, topic, "jars") == 20


async def test_a_relay_is_silent_where_kafka_is_ahead_of_its_store(
    jars: Store, infra: Infra, topic: str, feed: Feed
) -> None:
    feed.epoch = await jars.database.fetchval("SELECT epoch FROM head")
    await feed.send("jars.JarFilled.v1", "jar-1", {}, number=3)
    await _stays_silent(jars, infra, topic)


async def test_a_relay_is_silent_where_kafka_holds_another_epoch(
    jars: Store, infra: Infra, topic: str, feed: Feed
) -> None:
    await fill(jars, 30)
    await feed.send("jars.JarFilled.v1", "jar-1", {}, epoch="another")
    await _stays_silent(jars, infra, topic)


async def test_a_relay_is_silent_where_kafka_holds_another_message_under_that_number(
    jars: Store, infra: Infra, topic: str, feed: Feed
) -> None:
    await fill(jars, 30)
    feed.epoch = await jars.database.fetchval("SELECT epoch FROM head")
    await feed.send("jars.JarFilled.v1", "jar-1", {})
    await _stays_silent(jars, infra, topic)


async def _stays_silent(store: Store, infra: Infra, topic: str) -> None:
    relay = Relay(store.database, "jars", topic, infra.kafka)
    async with running(relay.run()):
        await until(lambda: relay.silent)
        await fill(store, 5)
        await asyncio.sleep(1)
        assert relay.sent == 0
    assert len(await records(infra.kafka, topic)) == 1


async def test_foreign_records_at_the_end_do_not_mislead_a_relay(
    jars: Store, infra: Infra, topic: str, feed: Feed
) -> None:
    await fill(jars, 20)
    relay = Relay(jars.database, "jars", topic, infra.kafka)
    async with running(relay.run()):
        await until(lambda: relay.sent == 20)
    for partition in range(PARTITIONS):
        for _ in range(3):
            await feed.send("x", "x", {}, number=1, without="ce_number", partition=partition)
    await fill(jars, 20)
    relay = Relay(jars.database, "jars", topic, infra.kafka)
    async with running(relay.run()):
        await until(lambda: relay.sent == 20)
        assert await audit(jars.database, infra.kafka, topic, "jars") == 40


async def test_republishing_sends_a_partition_again(jars: Store, infra: Infra, topic: str) -> None:
    await fill(jars, 60)
    relay = Relay(jars.database, "jars", topic, infra.kafka)
    async with running(relay.run()):
        await until(lambda: relay.sent == 60)
        partition, of_it = max((await numbers(infra.kafka, topic)).items(), key=lambda found: len(found[1]))
        last = len(of_it)
        await request_republish(jars.database, partition, 3)
        await until(lambda: relay.sent == 60 + last - 2)
        await until(lambda: _none_asked(jars))
        await fill(jars, 60)
        await until(lambda: relay.sent == 120 + last - 2)
    found = await numbers(infra.kafka, topic)
    assert found[partition][: 2 * last - 2] == [*range(1, last + 1), *range(3, last + 1)]
    assert await audit(jars.database, infra.kafka, topic, "jars") == 120


async def _none_asked(store: Store) -> bool:
    return bool(await store.database.fetchval("SELECT count(*) = 0 FROM republishes"))


async def test_a_partition_that_does_not_exist_cannot_be_republished(jars: Store) -> None:
    with pytest.raises(ValueError, match="partition"):
        await request_republish(jars.database, PARTITIONS, 1)
