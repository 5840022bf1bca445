"""Topics: one per producing service and generation, with a number of partitions that never changes."""

import asyncio
from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.kernel.routing import PARTITIONS, partition_of

__all__ = ["PARTITIONS", "create_topics", "partition_of", "topic_name"]

#: Nothing is ever thrown away: analytics consumers and rebuilds read every topic from its beginning.
SETTINGS = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}


LEADERS_SECONDS = 120.0


class WrongTopic(Exception):
    """A topic exists, but not with the partitions that the numbers of its messages were given for."""


def topic_name(prefix: str, service: str, generation: int = 1) -> str:
    """Return the topic that `service` publishes to, for instance `sponsio.payments.1`."""
    return f"{prefix}.{service}.{generation}"


async def create_topics(bootstrap: str, prefix: str, services: Iterable[str], replicas: int = -1) -> list[str]:
    """Create the topic of each service where it is missing, wait until all have leaders, and return their names.

    `replicas` -1 takes the broker's default. Raises WrongTopic for another partition count, KafkaError when the
    broker refuses, TimeoutError when a topic has no leaders after
    LEADERS_SECONDS.
    """
    names = [topic_name(prefix, service) for service in services]
    by_default: dict[int, list[int]] | None = (
        {} if replicas == -1 else None
    )  # aiokafka takes -1 replicas only with an assignment, even an empty one
    wanted = [NewTopic(name, PARTITIONS, replicas, by_default, dict(SETTINGS)) for name in names]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics(wanted)
        for name, code, *_ in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(name)
        async with asyncio.timeout(LEADERS_SECONDS):
            while not all([await _has_leaders(admin, name) for name in names]):
                await asyncio.sleep(0.05)
    finally:
        await admin.close()
    return names


async def _has_leaders(admin: AIOKafkaAdminClient, name: str) -> bool:
    [topic] = await admin.describe_topics([name])
    error = for_code(topic["error_code"])
    if topic["error_code"]:
        if error.retriable:
            return False
        raise error(name)
    partitions = topic["partitions"]
    if len(partitions) != PARTITIONS:
        raise WrongTopic(f"topic {name} has {len(partitions)} partitions, {PARTITIONS} are needed: it can never change")
    return all(partition["leader"] >= 0 and not partition["error_code"] for partition in partitions)
