"""The last numbered record of each partition of a topic: what Kafka knows of how far its store has published."""

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.kernel.record import record
from shared.messaging.envelope import Foreign, Raw, place
from shared.messaging.topics import PARTITIONS


@record
class Tail:
    """Number 0 and no epoch: the partition holds no message yet."""

    partition: int
    epoch: str
    number: int
    chain: str  # hex


async def tails(bootstrap: str, topic: str) -> list[Tail]:
    """Return the tail of each partition, in order; raises KafkaError. Waits while Kafka does not answer: bound it."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        starts = await consumer.beginning_offsets(places)
        return [await _tail(consumer, p, starts[p], ends[p]) for p in places]
    finally:
        await consumer.stop()


async def _tail(consumer: AIOKafkaConsumer, where: TopicPartition, start: int, end: int) -> Tail:
    """Look at the last record; where it has no number, further and further back."""
    back = 1
    while end > start:
        begin = max(start, end - back)
        found: Raw | None = None
        consumer.seek(where, begin)
        position = begin
        while position < end:
            for raw in (await consumer.getmany(where, timeout_ms=1_000)).get(where, []):
                if raw.offset < end and _numbered(raw):
                    found = raw
            position = await consumer.position(where)
        if found is not None:
            epoch, number = place(found)
            chain = next((value for name, value in found.headers if name == "ce_chain"), b"")
            return Tail(where.partition, epoch, number, chain.decode(errors="replace"))
        if begin == start:
            break
        back *= 16
    return Tail(where.partition, "", 0, "")


def _numbered(raw: Raw) -> bool:
    try:
        place(raw)
    except Foreign:
        return False
    return True
