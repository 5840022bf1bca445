"""The audit: what Kafka holds for a service, after dropping numbers already seen, is what its store has published.

In order, byte for byte: key, type, payload and chain hash, which covers all the rest.
"""

import asyncio
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.eventstore.database import Connection, Database
from shared.kernel.record import record
from shared.messaging.envelope import Broken, Foreign, Item, received
from shared.messaging.topics import PARTITIONS

STUCK_SECONDS = 30.0

PUBLISHED = """
SELECT position, number, hash, message_key, message_type, convert_to(message::text, 'UTF8') AS message FROM events
 WHERE partition = $1 AND number > $2 AND number <= $3 ORDER BY number LIMIT 1000"""


class Unequal(Exception):
    """Kafka and the store differ; `position` is that of the first bad event, None where the store has none there."""

    def __init__(self, topic: str, partition: int, number: int, position: int | None, why: str) -> None:
        at = "the store has no such event" if position is None else f"position {position}"
        super().__init__(f"{topic}[{partition}] number {number} ({at}): {why}")
        self.partition = partition
        self.number = number
        self.position = position


@record
class Equal:
    """Both hold the same: this many messages."""

    messages: int


async def audit(database: Database, bootstrap: str, topic: str) -> Equal:
    """Compare all that the store has published by now with Kafka; raises Unequal with the first bad position.

    What the relay has not sent yet is waited for. A store that is shorter than Kafka, its tail cut off, shows too.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        async with database.pool.acquire() as connection:
            head = await connection.fetchrow("SELECT epoch, numbers FROM head")
            assert head is not None  # the table's first row is made with it
            await consumer.start()
            worst: Unequal | None = None
            for partition in range(PARTITIONS):
                place = TopicPartition(topic, partition)
                try:
                    await _compare(connection, consumer, place, head["epoch"], head["numbers"][partition])
                except Unequal as found:
                    if worst is None or _order(found) < _order(worst):
                        worst = found
            if worst is not None:
                raise worst
            return Equal(sum(head["numbers"]))
    finally:
        with suppress(Exception):
            await asyncio.wait_for(consumer.stop(), 5)


def _order(found: Unequal) -> tuple[bool, int]:
    return found.position is None, found.position or found.number


async def _compare(
    connection: Connection, consumer: AIOKafkaConsumer, place: TopicPartition, epoch: str, last: int
) -> None:
    consumer.assign([place])
    consumer.seek(place, 0)
    end = (await consumer.end_offsets([place]))[place]
    give_up = asyncio.get_running_loop().time() + STUCK_SECONDS
    seen = position = 0
    rows = await connection.fetch(PUBLISHED, place.partition, 0, last)
    index = 0
    while seen < last or position < end:
        records = (await consumer.getmany(place, timeout_ms=1_000, max_records=1_000)).get(place, [])
        position = await consumer.position(place)
        for raw in records:
            try:
                item = received(raw)
            except Foreign:
                continue  # no relay of ours wrote it, and no reader takes it
            if item.number <= seen:
                continue
            if item.number > last and raw.offset >= end:
                return  # published since we began
            if index == len(rows):
                rows, index = await connection.fetch(PUBLISHED, place.partition, seen, last), 0
            row = rows[index] if index < len(rows) else None
            why = _difference(item, seen + 1, epoch, row)
            if why:
                raise Unequal(place.topic, place.partition, seen + 1, row and row["position"], why)
            seen, index = item.number, index + 1
        if not records and position >= end and asyncio.get_running_loop().time() > give_up:
            break
    if seen < last:
        row = await connection.fetchrow(PUBLISHED, place.partition, seen, last)
        raise Unequal(place.topic, place.partition, seen + 1, row and row["position"], "Kafka does not hold it")


def _difference(item: Item, number: int, epoch: str, row: object) -> str | None:
    """Say what is wrong with the message that should be `number`, and equal to `row` of the store."""
    if item.number != number:
        return f"Kafka has number {item.number} in its place"
    if row is None:
        return "Kafka holds it: the store's tail is cut off"
    if isinstance(item, Broken):
        return item.error
    if item.epoch != epoch:
        return f"Kafka has it in epoch {item.epoch}, the store in {epoch}"
    kept = dict(row)  # type: ignore[call-overload] - a record of asyncpg
    pairs = {
        "number": (item.number, kept["number"]),
        "key": (item.key, kept["message_key"]),
        "type": (item.type, kept["message_type"]),
        "payload": (item.value, kept["message"]),
        "chain hash": (item.chain, kept["hash"].hex()),
    }
    different = [name for name, (kafka, store) in pairs.items() if kafka != store]
    return f"{', '.join(different)} differ" if different else None
