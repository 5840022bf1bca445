"""The audit: what Kafka holds for a service, after dropping numbers already seen, is what its store has published.

In order, byte for byte: key, type, payload and chain hash, which covers all the rest.
"""

from asyncpg import Record

from shared.eventstore.database import AnyConnection, Database
from shared.kernel.record import record
from shared.messaging import turns
from shared.messaging.envelope import Broken, Item
from shared.messaging.published import STUCK_SECONDS, Side, messages, sides
from shared.messaging.turns import Turn

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
    async with sides(bootstrap, topic) as found, database.pool.acquire() as connection:
        # the head comes second: what Kafka held before, the store has committed
        head = await connection.fetchrow("SELECT epoch, numbers FROM head")
        assert head is not None  # the table's first row is made with it
        known = await turns.read(connection, topic)
        worst: Unequal | None = None
        for side in found:
            audited = Audited(side, service, head["epoch"], head["numbers"][side.place.partition], known, patience)
            try:
                await _compare(connection, audited)
            except Unequal as unequal:
                if worst is None or _order(unequal) < _order(worst):
                    worst = unequal
        if worst is not None:
            raise worst
        return sum(head["numbers"])


def _order(found: Unequal) -> tuple[bool, int]:
    return found.position is None, found.position or found.number


@record
class Audited:
    """One partition in Kafka, and what the store says of it: number `last` is the last that it has published."""

    side: Side
    service: str
    epoch: str
    last: int
    turns: tuple[Turn, ...]
    patience: float  # seconds

    def epoch_of(self, number: int) -> str:
        return turns.epoch_of(self.turns, self.side.place.partition, number) or self.epoch


async def _compare(connection: AnyConnection, audited: Audited) -> None:
    (topic, partition), last = audited.side.place, audited.last
    number, index = 0, 0
    rows: list[Record] = []
    async for item in messages(audited.side, last, audited.turns, audited.patience):
        if index == len(rows):
            rows, index = await connection.fetch(PUBLISHED, partition, number, last), 0
        row = rows[index] if index < len(rows) else None
        why = _difference(item, number + 1, audited, row)
        if why:
            raise Unequal(topic, partition, number + 1, _position(row), why)
        number, index = item.number, index + 1
    if number < last:
        row = await connection.fetchrow(PUBLISHED, partition, number, last)
        raise Unequal(topic, partition, number + 1, _position(row), "Kafka does not hold it")


def _position(row: Record | None) -> int | None:
    return row["position"] if row is not None else None


def _difference(item: Item, number: int, audited: Audited, row: Record | None) -> str | None:
    """Say what is wrong with the message that should be `number`, and equal to `row` of the store."""
    if item.number != number:
        return f"Kafka has number {item.number} in its place"
    if row is None:
        return "Kafka holds it: the store's tail is cut off"
    if isinstance(item, Broken):
        return item.error
    if item.service != audited.service:
        return f"Kafka says that it comes from {item.service}"
    if item.epoch != (epoch := audited.epoch_of(number)):
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
