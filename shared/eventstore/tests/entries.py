"""Entries as a test gives them to an appender, without a command that was decided."""

from typing import Any

from prometheus_client import REGISTRY

from shared.eventstore.append import Appender
from shared.eventstore.entry import Committed, Entry, Metadata, NewEvent
from shared.kernel.ids import new_id

ME = Metadata("somebody", "a-correlation")


def event(stream: str) -> NewEvent:
    """Return an event of a jar, without a message."""
    return NewEvent(new_id(), stream, "jars.JarFilled.v1", b'{"jar_id":"j","sweets":1}')


def filled(id: str, version: int, **more: Any) -> Entry:
    """Return an entry that fills a jar which has as many events, and does `more`."""
    return Entry(ME, {f"jar-{id}": version}, (event(f"jar-{id}"),), **more)


def batches(way: str = "at_once") -> float:
    """Return how many batches have been written in this way."""
    return REGISTRY.get_sample_value("sponsio_append_batches_total", {"way": way}) or 0.0


async def committed(appender: Appender, entry: Entry) -> Committed:
    outcome = await appender.append(entry)
    assert isinstance(outcome, Committed), outcome
    return outcome


async def until_it_is_known(appender: Appender) -> None:
    """Append until one batch has gone through without the lock: a slow machine may spoil a try."""
    for _ in range(1_000):
        before = batches()
        await committed(appender, filled(new_id(), 0))
        if batches() > before:
            return
    raise AssertionError("every append has taken the lock")
