"""After a restore: a store that lacks what Kafka holds begins another epoch, and readers are told to go on with it.

Both are operators' verbs: nothing of it happens by itself.
"""

import asyncio
from collections.abc import Sequence

from shared.eventstore.database import Connection, Database
from shared.kernel.ids import new_id
from shared.kernel.record import record
from shared.messaging import turns
from shared.messaging.envelope import Broken
from shared.messaging.published import Side, messages, sides
from shared.messaging.relay import LOCK
from shared.messaging.topics import PARTITIONS
from shared.messaging.turns import Turn

LEAD_SECONDS = 60.0  # until the relay has given way
PAGE = 1_000

HASHES = "SELECT number, hash FROM events WHERE partition = $1 AND number > $2 ORDER BY number LIMIT $3"

STOOD_BEYOND = "SELECT DISTINCT consumer FROM checkpoints WHERE topic = $1 AND partition = $2 AND number > $3"
#: Also those that have not come so far, and those that have not begun: what they read before they are told of the turn
#: counts as of the epoch before, and so cannot be taken any more.
TURNED = """
INSERT INTO checkpoints (consumer, topic, partition, epoch)
SELECT DISTINCT consumer, topic, $3::smallint, $2 FROM checkpoints WHERE topic = $1
    ON CONFLICT (consumer, topic, partition) DO UPDATE
   SET epoch = $2, number = least(checkpoints.number, $4),
       next_offset = CASE WHEN checkpoints.number > $4 THEN 0 ELSE checkpoints.next_offset END"""
PARKED_BEYOND = "DELETE FROM parked WHERE topic = $1 AND partition = $2 AND number > $3"


class Nothing(Exception):
    """Kafka holds nothing that the store does not have: there is no epoch to begin."""


@record
class Begun:
    """A new epoch, and how many messages of the one before Kafka holds that the store has lost."""

    turn: Turn
    lost: int


async def begin(database: Database, bootstrap: str, topic: str) -> Begun:
    """Begin another epoch behind the last messages that Kafka and the store have alike. Reads the whole topic.

    Raises Nothing, and TimeoutError where a relay is at work or Kafka does not answer.
    """
    connection = await database.connect()
    try:
        await _lead(connection)  # nothing is published while we compare
        known = await turns.read(connection, topic)
        numbers, lost = [0] * PARTITIONS, 0
        async with sides(bootstrap, topic) as found:
            for side in found:
                numbers[side.place.partition], beyond = await _alike(connection, side, known)
                lost += beyond
        if not lost:
            raise Nothing(f"the store has all that {topic} holds")
        async with connection.transaction():
            before = await connection.fetchval("SELECT epoch FROM head FOR UPDATE")
            turn = Turn(new_id(), tuple(numbers))
            if not known:
                await turns.note(connection, topic, Turn(before, (0,) * PARTITIONS))
            await turns.note(connection, topic, turn)
            await connection.execute("UPDATE head SET epoch = $1", turn.epoch)
        return Begun(turn, lost)
    finally:
        connection.terminate()


async def _lead(connection: Connection) -> None:
    try:
        async with asyncio.timeout(LEAD_SECONDS):
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise TimeoutError("a relay is at work: it has found nothing that this store lacks") from None


async def _alike(connection: Connection, side: Side, known: Sequence[Turn]) -> tuple[int, int]:
    """Return the last number that Kafka and the store have alike, and how many messages Kafka holds beyond it."""
    alike = beyond = 0
    hashes: dict[int, str] = {}
    async for item in messages(side, 0, known):
        if not beyond and item.number not in hashes:
            rows = await connection.fetch(HASHES, side.place.partition, item.number - 1, PAGE)
            hashes = {row["number"]: row["hash"].hex() for row in rows}
        if beyond or isinstance(item, Broken) or hashes.get(item.number) != item.chain:
            beyond += 1
        else:
            alike = item.number
    return alike, beyond


async def adopt(database: Database, topic: str, turn: Turn) -> list[str]:
    """Have all consumers of this database go on with a turn; returns those that had taken what is lost by it.

    What is parked of the lost messages is dropped. Repeating changes nothing. Raises ValueError where a later epoch was
    adopted already, or this one behind other numbers.
    """
    async with database.pool.acquire() as connection, connection.transaction():
        for known in await turns.read(connection, topic):
            if known == turn:
                return []
            if known.epoch >= turn.epoch:
                raise ValueError(f"{known} was adopted already")
        await turns.note(connection, topic, turn)
        await connection.execute("LOCK TABLE checkpoints IN EXCLUSIVE MODE")
        stood: set[str] = set()
        for partition, number in enumerate(turn.numbers):
            rows = await connection.fetch(STOOD_BEYOND, topic, partition, number)
            stood |= {row["consumer"] for row in rows}
            await connection.execute(TURNED, topic, turn.epoch, partition, number)
            await connection.execute(PARKED_BEYOND, topic, partition, number)
        return sorted(stood)
