"""The hash chain: each event's SHA-256 covers all its bytes, its metadata, its message and the hash before it."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import NoneType
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


_BYTES: dict[type, Callable[[Any], bytes]] = {
    str: str.encode,
    int: b"%d".__mod__,
    bytes: bytes,
    NoneType: lambda _: b"-",
    datetime: _time,  # all events of a batch have the same
}


def link(previous: bytes, columns: Iterable[Any]) -> bytes:
    """Return the hash of an event whose `COVERED` columns are given, after the event with hash `previous`."""
    return hashlib.sha256(previous + b"\x00".join([_BYTES[type(value)](value) for value in columns])).digest()


async def verify(connection: Connection, batch: int = 2_000) -> Intact:
    """Walk the whole log in one snapshot; raises BrokenChain with the first bad position, a cut tail included."""
    columns = ", ".join(COVERED)
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
