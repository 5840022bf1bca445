"""Reading: folds, snapshots, the past, and versions that the code does not know."""

from datetime import timedelta
from typing import Any

import pytest

from shared.eventstore import read
from shared.eventstore.append import Appender, Overloaded
from shared.eventstore.codec import Codec, Undecodable, UnknownType
from shared.eventstore.database import Database
from shared.eventstore.entry import Entry, Metadata, NewEvent
from shared.eventstore.execute import Store
from shared.eventstore.tests import jar
from shared.eventstore.tests.entries import event
from shared.eventstore.tests.test_append import fill, state
from shared.kernel.ids import new_id


async def test_a_long_stream_is_read_from_a_snapshot_that_is_only_used_by_the_evolve_that_made_it(
    store: Store, owner: Database
) -> None:
    events = tuple(event("jar-j") for _ in range(read.SNAPSHOT_EVERY + 50))
    await store.appender.append(Entry(Metadata("a", "c"), {}, events=events))
    await fill(store, "j", 1)
    row = await owner.fetchrow("SELECT version FROM snapshots WHERE stream = 'jar-j'")
    assert row is not None
    assert row["version"] == read.SNAPSHOT_EVERY + 51
    codec = Codec(jar.EVENTS)
    assert (await read.load(store.database, codec, jar, "jar-j")).state == jar.Jar(251)
    await owner.execute("UPDATE snapshots SET state = '{\"sweets\": 1000}'")
    assert (await read.load(store.database, codec, jar, "jar-j")).state == jar.Jar(1000), "the snapshot is really used"
    await owner.execute("UPDATE snapshots SET fingerprint = 'of another release'")
    assert (await read.load(store.database, codec, jar, "jar-j")).state == jar.Jar(251)


async def test_the_past_can_be_read_by_version_and_by_time(store: Store, owner: Database) -> None:
    for n in (1, 2, 3):
        await fill(store, "j", n)
    times = [r[0] for r in await owner.fetch("SELECT recorded_at FROM events ORDER BY position")]
    assert await store.as_of(jar, "j", version=2) == (jar.Jar(3), 2)
    assert await store.as_of(jar, "j", time=times[1]) == (jar.Jar(3), 2)
    assert await store.as_of(jar, "j", time=times[0] - timedelta(microseconds=1)) == (jar.INITIAL, 0)
    assert await state(store, "j") == (jar.Jar(6), 3)


async def test_a_version_that_the_code_does_not_know_never_reaches_evolve(store: Store) -> None:
    unknown = NewEvent(new_id(), "jar-j", "jars.JarFilled.v9", b"{}")
    await store.appender.append(Entry(Metadata("a", "c"), {}, events=(unknown,)))
    with pytest.raises(UnknownType):
        await fill(store, "j", 1)


def upcast(fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "jars.JarFilled.v1", {"jar_id": fields["jar"], "sweets": fields["count"]}


def test_an_old_version_is_upcast_and_a_broken_one_is_named() -> None:
    codec = Codec(jar.EVENTS, upcasters={"jars.JarFilled.v0": upcast})
    assert codec.decode("jars.JarFilled.v0", b'{"jar":"j","count":2}') == jar.JarFilled("j", 2)
    with pytest.raises(Undecodable, match=r"jars\.JarFilled\.v1"):
        codec.decode("jars.JarFilled.v1", b'{"jar_id":"j","sweets":"two"}')


def test_one_wire_name_stands_for_one_type() -> None:
    with pytest.raises(ValueError, match="stands for two types"):
        Codec({"jars.JarFilled.v1": jar.JarFilled}, {"jars.JarFilled.v1": jar.SweetsTaken})


async def test_a_full_queue_refuses_at_once(store: Store) -> None:
    idle = Appender(store.database, "jars", queue=0)  # never started: nothing drains it
    with pytest.raises(Overloaded):
        await idle.append(Entry(Metadata("a", "c"), {}))
