"""The Consistency-Token: what a caller has seen, as text that travels in a header and back.

`service:partition:epoch:number,...` says: of this service's messages on this partition I have seen all up to `number`
of that epoch. Of several entries for one partition the furthest counts; a later epoch is further (epochs are UUIDv7).
"""

import re
from collections.abc import Iterable

from shared.kernel.record import record

#: Five services with six partitions make 30 entries of some 60 characters.
LENGTH_LIMIT = 8_192

_ENTRY = re.compile(r"([a-z][a-z0-9_-]{0,39}):([0-9]{1,4}):([0-9A-Za-z-]{1,64}):([0-9]{1,18})", re.ASCII)


@record
class Seen:
    """All messages of `service` on `partition` up to `number` in `epoch`."""

    service: str
    partition: int
    epoch: str
    number: int


def parse(text: str) -> tuple[Seen, ...]:
    """Return what a token says, the furthest entry of each partition, in order; raises ValueError when malformed."""
    if len(text) > LENGTH_LIMIT:
        raise ValueError(f"a Consistency-Token has at most {LENGTH_LIMIT} characters")
    entries = []
    for part in text.split(",") if text else ():
        match = _ENTRY.fullmatch(part)
        if match is None:
            raise ValueError("a Consistency-Token is service:partition:epoch:number, several of them joined by commas")
        entries.append(Seen(match[1], int(match[2]), match[3], int(match[4])))
    return furthest(entries)


def furthest(entries: Iterable[Seen]) -> tuple[Seen, ...]:
    """Return one entry per partition, the furthest, ordered by service and partition."""
    found: dict[tuple[str, int], Seen] = {}
    for entry in entries:
        known = found.get((entry.service, entry.partition))
        if known is None or (known.epoch, known.number) < (entry.epoch, entry.number):
            found[entry.service, entry.partition] = entry
    return tuple(found[place] for place in sorted(found))


def format(entries: Iterable[Seen]) -> str:
    """Return the token that says this; empty text for nothing."""
    return ",".join(f"{e.service}:{e.partition}:{e.epoch}:{e.number}" for e in furthest(entries))


def merge(*texts: str) -> str:
    """Return the token of somebody who has seen all of these; raises ValueError when one is malformed."""
    return format(entry for text in texts for entry in parse(text))
