"""What the fixtures give, tried on the real thing."""

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.fresh import FreshDatabase
from deploy.local.infra import Infra
from shared.messaging.topics import PARTITIONS, WrongTopic, create_topics, partition_of, topic_name
from shared.testing.infra import OwnKafka


async def test_the_serving_role_may_insert_events_but_never_change_them(store_database: FreshDatabase) -> None:
    connection = await asyncpg.connect(store_database.url)
    try:
        assert await connection.fetchval("SELECT cardinality(numbers) FROM head") == PARTITIONS
        for forbidden in ("UPDATE events SET type = ''", "DELETE FROM events", "TRUNCATE events", "DROP TABLE events"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(forbidden)
        assert await connection.fetchval("SHOW lock_timeout") == "10s"
    finally:
        await connection.close()


async def test_each_copy_has_an_epoch_of_its_own(store_database: FreshDatabase, fresh_databases: object) -> None:
    connection = await asyncpg.connect(store_database.url)
    template = await asyncpg.connect(store_database.owner_url.rpartition("_")[0])
    try:
        query = "SELECT epoch FROM head"
        assert await connection.fetchval(query) != await template.fetchval(query)
    finally:
        await template.close()
        await connection.close()


async def test_creating_topics_twice_changes_nothing(infra: Infra, topic_prefix: str) -> None:
    names = await create_topics(infra.kafka, topic_prefix, ["identity", "payments"])
    assert names == [f"{topic_prefix}.identity.1", f"{topic_prefix}.payments.1"]
    assert await create_topics(infra.kafka, topic_prefix, ["identity", "payments"]) == names


async def test_a_topic_with_other_partitions_is_refused(infra: Infra, topic_prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=infra.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(topic_name(topic_prefix, "payments"), PARTITIONS + 1, 1)])
    await admin.close()
    with pytest.raises(WrongTopic, match="7 partitions"):
        await create_topics(infra.kafka, topic_prefix, ["payments"])


def test_the_partition_of_a_key_never_changes() -> None:
    assert [partition_of(key) for key in ("", "a", "0198c0de-0000-7000-8000-000000000001")] == [0, 3, 5]


async def test_a_broker_of_its_own_comes_back_after_kill(own_kafka: OwnKafka, topic_prefix: str) -> None:
    [topic] = await create_topics(own_kafka.bootstrap, topic_prefix, ["payments"])
    own_kafka.kill()
    own_kafka.start()
    async with AIOKafkaProducer(bootstrap_servers=own_kafka.bootstrap, acks="all") as producer:
        sent = await producer.send_and_wait(topic, b"value")
    assert sent.offset == 0
