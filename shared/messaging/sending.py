"""Sending to Kafka in order, with a deadline: the idempotent producer of aiokafka by itself never gives up."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerClosed

from shared.messaging.envelope import Outgoing

#: Less than the relay's idle_session_timeout: a relay that waits for Kafka keeps its lock.
SEND_SECONDS = 8.0
STOP_SECONDS = 2.0


class Sender:
    """One producer. After any error it is to be stopped, and what it has sent to be learnt from Kafka itself."""

    def __init__(self, bootstrap: str, topic: str, client: str) -> None:
        self._topic = topic
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=0,
            compression_type="lz4", client_id=client,
        )  # fmt: skip

    async def start(self) -> None:
        """Connect; raises KafkaError or TimeoutError."""
        async with asyncio.timeout(SEND_SECONDS):
            await self._producer.start()

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Send all in order and wait once, until all are acknowledged; raises KafkaError or TimeoutError."""
        async with asyncio.timeout(SEND_SECONDS):
            delivered = [
                await self._producer.send(self._topic, m.value, m.key, m.partition, headers=m.headers) for m in messages
            ]
            await asyncio.gather(*delivered)

    async def stop(self) -> None:
        """Let go of everything within STOP_SECONDS. What is still held is dropped, or it would wait for the broker."""
        self._producer._message_accumulator.fail_all(ProducerClosed())
        stopping = asyncio.ensure_future(self._producer.stop())
        await asyncio.wait([stopping], timeout=STOP_SECONDS)
        if not stopping.done():
            stopping.cancel()
            await asyncio.gather(stopping, self._producer.client.close(), return_exceptions=True)
