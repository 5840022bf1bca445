"""Republishing: an operator asks whoever leads the relay to send a partition again from a number on."""

from shared.eventstore.database import Database
from shared.messaging.topics import PARTITIONS

ASKED = "SELECT partition, from_number FROM republishes"
DONE = "DELETE FROM republishes WHERE partition = $1 AND from_number = $2"
#: What the relay is notified with, on the channel on which it also hears of commits.
NAME = "republish"
ASK = """
INSERT INTO republishes AS r VALUES ($1, $2) ON CONFLICT (partition) DO UPDATE
SET from_number = least(r.from_number, excluded.from_number) RETURNING pg_notify('committed', $3)"""


async def request_republish(database: Database, partition: int, from_number: int) -> None:
    """Ask whoever leads to send a partition again from a number on; an open request keeps the lower number."""
    if not (0 <= partition < PARTITIONS and from_number >= 1):
        raise ValueError(f"a partition is 0 to {PARTITIONS - 1}, and its first number is 1")
    await database.execute(ASK, partition, from_number, NAME)
