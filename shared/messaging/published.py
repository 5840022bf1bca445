"""What Kafka holds of one service's messages, read from the beginning: each number once, and nothing that is lost."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.kernel.record import record
from shared.messaging import turns
from shared.messaging.envelope import Foreign, Item, received
from shared.messaging.topics import PARTITIONS
from shared.messaging.turns import Turn

STUCK_SECONDS = 30.0
LEAVE_SECONDS = 5.0


@record
class Side:
    """One partition in Kafka; `end` was its end when the reading began."""

    consumer: AIOKafkaConsumer
    place: TopicPartition
    end: int


@asynccontextmanager
async def sides(bootstrap: str, topic: str) -> AsyncIterator[list[Side]]:
    """Open all partitions of a topic, in order; they are read one after another."""
    places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        yield [Side(consumer, place, ends[place]) for place in places]
    finally:
        with suppress(Exception):
            await asyncio.wait_for(consumer.stop(), LEAVE_SECONDS)


async def messages(side: Side, last: int, known: Sequence[Turn], patience: float = 0.0) -> AsyncIterator[Item]:
    """Yield the messages up to `end`, and beyond it as long as number `last` has not come; each number once.

    What has not come is waited for, `patience` seconds without progress. TimeoutError: Kafka does not hand over what it
    holds, so nothing is known.
    """
    clock = asyncio.get_running_loop().time
    side.consumer.assign([side.place])
    side.consumer.seek(side.place, 0)
    seen = position = 0
    heard = clock()
    while seen < last or position < side.end:
        found = await side.consumer.getmany(side.place, timeout_ms=500, max_records=1_000)
        for raw in found.get(side.place, []):
            with suppress(Foreign):  # no relay of ours wrote it, and no reader takes it
                item = received(raw)
                if item.number > last and raw.offset >= side.end:
                    return  # published since we began
                if item.number > seen and not turns.lost(known, item.epoch, item.partition, item.number):
                    yield item
                    seen = item.number
        before, position = position, await side.consumer.position(side.place)
        if position > before:
            heard = clock()
        elif position < side.end and clock() - heard > STUCK_SECONDS:
            raise TimeoutError(f"{side.place.topic}[{side.place.partition}]: Kafka stopped at {position} of {side.end}")
        elif position >= side.end and clock() - heard > patience:
            return
