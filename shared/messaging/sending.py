"""Sending to Kafka in order, with a deadline: the idempotent producer of aiokafka by itself never gives up."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer

from shared.messaging.envelope import Outgoing

#: Less than the relay's idle_session_timeout: a relay that waits for Kafka keeps its lock.
SEND_SECONDS = 8.0
STOP_SECONDS = 2.0
#: Of the messages in one batch, which Kafka takes whole: a partition takes one after another. Kafka's limit is 1 MB.
BATCH_BYTES = 256 * 1024


class Sender:
    """One producer. After any error it is to be stopped, and what it has sent to be learnt from Kafka itself."""

    def __init__(self, bootstrap: str, topic: str, client: str) -> None:
        self._topic = topic
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=0,
            max_batch_size=BATCH_BYTES, compression_type="lz4", client_id=client,
        )  # fmt: skip

    async def start(self) -> None:
        """Connect; raises KafkaError or TimeoutError."""
        async with asyncio.timeout(SEND_SECONDS):
            await self._producer.start()

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Send all in order and wait once, until all are acknowledged; raises KafkaError or TimeoutError.

        In batches of our own, one for each partition: message by message aiokafka makes a future for each.
        """
        batches: dict[int, Any] = {}
        async with asyncio.timeout(SEND_SECONDS):
            delivered = []
            for m in messages:
                batch = batches.get(m.partition)
                if batch is None or not _append(batch, m):
                    if batch is not None:
                        delivered.append(await self._producer.send_batch(batch, self._topic, partition=m.partition))
                    batch = batches[m.partition] = self._producer.create_batch()
                    _append(batch, m)  # the first one always fits
            for partition, batch in batches.items():
                delivered.append(await self._producer.send_batch(batch, self._topic, partition=partition))
            results = await asyncio.gather(*delivered, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def stop(self) -> None:
        """Let go of everything within some STOP_SECONDS, and of what is not acknowledged too.

        Not by the producer's own stop(): that waits until all is delivered, as long as the broker may be away.
        """
        producer = self._producer
        producer._closed = True
        task = producer._sender.sender_task
        for _ in range(2):  # the first asks it to finish what is on its way, the second takes that away
            if task is not None and not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=STOP_SECONDS / 2)
        with suppress(Exception):
            await asyncio.wait_for(producer.client.close(), STOP_SECONDS)


def _append(batch: Any, message: Outgoing) -> bool:
    """Put a message into a batch of aiokafka's; False: it is full."""
    put = batch.append(timestamp=None, key=message.key, value=message.value, headers=message.headers)
    return put is not None
