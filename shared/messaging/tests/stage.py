"""What the tests of this room share: a bounded wait, and a feed that writes to a topic whatever a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from shared.eventstore.entry import Metadata
from shared.kernel.ids import new_id
from shared.messaging.envelope import outgoing
from shared.messaging.topics import PARTITIONS, partition_of
from shared.testing.infra import FreshDatabase, Infra

PATIENCE_SECONDS = 60.0
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


async def until(check: Callable[[], Awaitable[Any]] | Callable[[], Any]) -> Any:
    """Ask again and again until the answer is true, and return it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer = check()
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer:
                return answer
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Run something beside the test, and stop it at the end."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


EVERY_SESSION = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
LEADING_SESSION = f"{EVERY_SESSION} AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"


async def hang_up(infra: Infra, database: FreshDatabase, sessions: str = EVERY_SESSION) -> int:
    """End sessions of a database, as a restart of PostgreSQL would; returns how many there were."""
    connection = await asyncpg.connect(infra.postgres_admin_url)
    try:
        return len(await connection.fetch(sessions, database.name))
    finally:
        await connection.close()


@dataclass
class Feed:
    """Writes numbered messages to a topic, as a relay would; a number or an epoch may be told."""

    bootstrap: str
    topic: str
    epoch: str = "epoch-1"
    numbers: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    _producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        self._producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", enable_idempotence=True)
        await self._producer.start()

    async def stop(self) -> None:
        if self._producer is not None:
            await self._producer.stop()

    async def send(
        self,
        type: str,
        key: str,
        value: dict[str, Any] | bytes,
        *,
        number: int | None = None,
        epoch: str | None = None,
        without: str = "",
        partition: int | None = None,
    ) -> int:
        """Send one message and return its number; `without` leaves a header out."""
        partition = partition_of(key) if partition is None else partition
        if number is None:
            number = self.numbers[partition] = self.numbers[partition] + 1
        message = outgoing(
            "jars",
            epoch or self.epoch,
            {
                "id": new_id(), "stream": f"jar-{key}", "version": 1, "message_type": type, "message_key": key,
                "message": value if isinstance(value, bytes) else json.dumps(value).encode(),
                "recorded_at": NOON, "number": number, "position": number, "hash": bytes(32), "partition": partition,
                "metadata": b'{"actor":"somebody","correlation_id":"c","traceparent":"00-1-2-01"}',
            },
        )  # fmt: skip
        headers = [header for header in message.headers if header[0] != without]
        assert self._producer is not None
        await self._producer.send_and_wait(self.topic, message.value, message.key, partition, headers=headers)
        return number


async def records(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """Return all that a topic holds now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(topic, p) for p in range(PARTITIONS)]
        consumer.assign(places)
        for place in places:
            consumer.seek(place, 0)
        ends = await consumer.end_offsets(places)
        found: list[ConsumerRecord] = []
        while sum(ends.values()) > len(found):
            for some in (await consumer.getmany(timeout_ms=500)).values():
                found.extend(some)
        return found
    finally:
        await consumer.stop()


ME = Metadata("somebody", "a-correlation")
