"""The hash chain: each event's SHA-256 covers all its bytes, its metadata, its message and the hash before it."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from shared.eventstore.database import Connection
from shared.kernel.record import record

GENESIS = bytes(32)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: The columns that the hash covers, in this order. None of them can hold a NUL byte, which therefore separates them.
COVERED = (
    "position", "id", "stream", "version", "type", "payload", "metadata", "recorded_at",
    "partition", "number", "message_key", "message_type", "message",
)  # fmt: skip
_JSON = ("payload", "metadata", "message")  # which a connection may read as text


class BrokenChain(Exception):
    """The log is not what was appended; `position` is the first bad one."""

    def __init__(self, position: int, why: str) -> None:
        super().__init__(f"position {position}: {why}")
        self.position = position


@record
class Intact:
    """The chain holds: this many events, up to this hash."""

    events: int
    hash: bytes


@lru_cache(maxsize=4)
def _time(value: datetime) -> bytes:
    return b"%d" % ((value - _EPOCH) // _MICROSECOND)


def link(previous: bytes, columns: Iterable[Any]) -> bytes:
    """Return the hash of an event whose `COVERED` columns are given, after the event with hash `previous`.

    What an event without a message does not have counts as "-".
    """
    (
        position, id, stream, version, type, payload, metadata, recorded_at,
        partition, number, key, message_type, message,
    ) = columns  # fmt: skip
    event = f"{position}\0{id}\0{stream}\0{version}\0{type}".encode()
    if message is not None:
        place = f"{partition}\0{number}\0{key}\0{message_type}"
    else:
        message = b"-"
        place = "\0".join("-" if column is None else str(column) for column in (partition, number, key, message_type))
    parts = (previous + event, payload, metadata, _time(recorded_at), place.encode(), message)
    return hashlib.sha256(b"\0".join(parts)).digest()


async def verify(connection: Connection, batch: int = 2_000) -> Intact:
    """Walk the whole log in one snapshot; raises BrokenChain with the first bad position, a cut tail included."""
    columns = ", ".join(f"convert_to({name}::text, 'UTF8') AS {name}" if name in _JSON else name for name in COVERED)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        head = await connection.fetchrow("SELECT position, hash FROM head")
        position, previous = 0, GENESIS
        while rows := await connection.fetch(
            f"SELECT {columns}, hash FROM events WHERE position > $1 ORDER BY position LIMIT $2",
            position,
            batch,
        ):
            for row in rows:
                position += 1
                if row["position"] != position:
                    raise BrokenChain(position, "is missing")
                if link(previous, (row[name] for name in COVERED)) != row["hash"]:
                    raise BrokenChain(position, "does not match its hash")
                previous = row["hash"]
    if head is None or head["position"] > position:
        raise BrokenChain(position + 1, "is missing: the tail is cut off")
    if head["position"] != position or head["hash"] != previous:
        raise BrokenChain(position, "is not what the head says")
    return Intact(position, previous)
