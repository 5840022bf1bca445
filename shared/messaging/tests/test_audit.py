"""The audit finds one changed byte, a cut tail, and what Kafka does not hold."""

import asyncio
from functools import partial

import pytest

from shared.eventstore.database import Database
from shared.eventstore.execute import Store
from shared.eventstore.tests import jar
from shared.eventstore.work import Work
from shared.messaging.audit import Unequal, audit
from shared.messaging.relay import Relay
from shared.messaging.tests.stage import ME, Feed, running, until
from shared.testing.infra import Infra


async def fill(store: Store, count: int) -> None:
    async def one(number: int, work: Work) -> dict[str, str]:
        await work.decide(jar, f"j{number % 5}", jar.Fill(f"j{number % 5}", number))
        return {}

    await asyncio.gather(*(store.execute(partial(one, n), ME) for n in range(count)))


@pytest.fixture
async def published(jars: Store, infra: Infra, topic: str) -> Store:
    await fill(jars, 60)
    relay = Relay(jars.database, "jars", topic, infra.kafka)
    async with running(relay.run()):
        await until(lambda: relay.sent == 60)
    return jars


async def found(store: Store, infra: Infra, topic: str) -> Unequal:
    with pytest.raises(Unequal) as caught:
        await audit(store.database, infra.kafka, topic, "jars", patience=2)
    return caught.value


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("message = replace(message::text, 'sweets', 'sweetz')::json", "payload"),
        ("message = (message::text || ' ')::json", "payload"),
        ("message_key = 'another'", "key"),
        ("message_type = 'another'", "type"),
        ("hash = decode(repeat('00', 32), 'hex')", "chain hash"),
    ],
)
async def test_one_changed_value_is_named_by_its_position(
    published: Store, owner: Database, infra: Infra, topic: str, change: str, what: str
) -> None:
    assert await audit(published.database, infra.kafka, topic, "jars") == 60
    await owner.execute(f"UPDATE events SET {change} WHERE position IN (31, 52)")
    difference = await found(published, infra, topic)
    assert difference.position == 31
    assert f"{what} differ" in str(difference)


async def test_a_store_that_lost_its_tail_is_noticed(
    published: Store, owner: Database, infra: Infra, topic: str
) -> None:
    await owner.execute("DELETE FROM events WHERE position = 60")
    difference = await found(published, infra, topic)
    assert "tail is cut off" in str(difference)
    assert difference.position is None


async def test_a_store_restored_from_before_is_noticed(
    published: Store, owner: Database, infra: Infra, topic: str
) -> None:
    last = await owner.fetchrow("SELECT partition, number FROM events WHERE position = 60")
    assert last is not None
    await owner.execute("DELETE FROM events WHERE position = 60")
    await owner.execute("UPDATE head SET numbers[$1] = numbers[$1] - 1", last["partition"] + 1)
    difference = await found(published, infra, topic)
    assert (difference.partition, difference.number) == (last["partition"], last["number"])


async def test_what_kafka_does_not_hold_is_named(published: Store, infra: Infra, topic: str) -> None:
    await fill(published, 5)
    difference = await found(published, infra, topic)
    assert difference.position is not None
    assert difference.position > 60
    assert "Kafka does not hold it" in str(difference)


async def test_a_message_that_somebody_slipped_in_is_named(
    published: Store, infra: Infra, topic: str, feed: Feed
) -> None:
    epoch = await published.database.fetchval("SELECT epoch FROM head")
    numbers = await published.database.fetchval("SELECT numbers FROM head")
    partition = max(range(6), key=numbers.__getitem__)
    await feed.send("x", "x", {}, number=numbers[partition] + 1, epoch=epoch, partition=partition)
    assert "tail is cut off" in str(await found(published, infra, topic))
