"""The audit: what Kafka holds for a service, after dropping numbers already seen, is what its store has published.

In order, byte for byte: key, type, payload and chain hash, which covers all the rest.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from asyncpg import Record

from shared.eventstore.database import Database
from shared.kernel.record import record
from shared.messaging.checkpoint import AnyConnection
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


async def audit(database: Database, bootstrap: str, topic: str, service: str, patience: float = STUCK_SECONDS) -> int:
    """Compare all that the store has published by now with Kafka; returns how many messages that is.

    Raises Unequal with the first bad position.

    What the relay has not sent yet is waited for, `patience` seconds without progress. A store that is shorter than
    Kafka, its tail cut off, shows too. TimeoutError: Kafka does not hand over what it holds, so nothing is known.
    """
    places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        consumer.assign(places)
        ends = await consumer.end_offsets(places)  # before the head: what Kafka holds by now, the store has committed
        async with database.pool.acquire() as connection:
            head = await connection.fetchrow("SELECT epoch, numbers FROM head")
            assert head is not None  # the table's first row is made with it
            worst: Unequal | None = None
            for place in places:
                side = Side(consumer, place, ends[place], service, patience)
                try:
                    await _compare(connection, side, head["epoch"], head["numbers"][place.partition])
                except Unequal as found:
                    if worst is None or _order(found) < _order(worst):
                        worst = found
            if worst is not None:
                raise worst
            return sum(head["numbers"])
    finally:
        with suppress(Exception):
            await asyncio.wait_for(consumer.stop(), 5)


def _order(found: Unequal) -> tuple[bool, int]:
    return found.position is None, found.position or found.number


@record
class Side:
    """One partition in Kafka, to be read from its beginning; `end` was its end when the audit began."""

    consumer: AIOKafkaConsumer
    place: TopicPartition
    end: int
    service: str
    patience: float  # seconds


async def _messages(side: Side, last: int) -> AsyncIterator[Item]:
    """Yield the messages up to `end`, and beyond it as long as number `last` has not come; each number once."""
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
                if item.number > seen:
                    yield item
                    seen = item.number
        before, position = position, await side.consumer.position(side.place)
        if position > before:
            heard = clock()
        elif position < side.end and clock() - heard > STUCK_SECONDS:
            raise TimeoutError(f"{side.place.topic}[{side.place.partition}]: Kafka stopped at {position} of {side.end}")
        elif position >= side.end and clock() - heard > side.patience:
            return


async def _compare(connection: AnyConnection, side: Side, epoch: str, last: int) -> None:
    topic, partition = side.place.topic, side.place.partition
    number, index = 0, 0
    rows: list[Record] = []
    async for item in _messages(side, last):
        if index == len(rows):
            rows, index = await connection.fetch(PUBLISHED, partition, number, last), 0
        row = rows[index] if index < len(rows) else None
        why = _difference(item, number + 1, side.service, epoch, row)
        if why:
            raise Unequal(topic, partition, number + 1, _position(row), why)
        number, index = item.number, index + 1
    if number < last:
        row = await connection.fetchrow(PUBLISHED, partition, number, last)
        raise Unequal(topic, partition, number + 1, _position(row), "Kafka does not hold it")


def _position(row: Record | None) -> int | None:
    return row["position"] if row is not None else None


def _difference(item: Item, number: int, service: str, epoch: str, row: Record | None) -> str | None:
    """Say what is wrong with the message that should be `number`, and equal to `row` of the store."""
    if item.number != number:
        return f"Kafka has number {item.number} in its place"
    if row is None:
        return "Kafka holds it: the store's tail is cut off"
    if isinstance(item, Broken):
        return item.error
    if item.service != service:
        return f"Kafka says that it comes from {item.service}"
    if item.epoch != epoch:
        return f"Kafka has it in epoch {item.epoch}, the store in {epoch}"
    pairs = {
        "number": (item.number, row["number"]),
        "key": (item.key, row["message_key"]),
        "type": (item.type, row["message_type"]),
        "payload": (item.value, row["message"]),
        "chain hash": (item.chain, row["hash"].hex()),
    }
    different = [name for name, (kafka, store) in pairs.items() if kafka != store]
    return f"{', '.join(different)} differ" if different else None
