"""What an appender remembers of the head saves it the lock, and never makes it write what is no longer so."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from shared.eventstore import chain
from shared.eventstore.append import Appender
from shared.eventstore.database import Database
from shared.eventstore.entry import (
    Answer,
    Claim,
    Conflicted,
    Deadline,
    Entry,
    Gone,
    Mismatched,
    Move,
    Outrun,
    Repeated,
    Request,
    Taken,
)
from shared.eventstore.execute import Store
from shared.eventstore.tests.entries import ME, batches, committed, filled, until_it_is_known
from shared.kernel.ids import new_id


@pytest.fixture
async def other(store: Store) -> AsyncIterator[Appender]:
    """The appender of another process."""
    appender = Appender(store.database, "jars")
    await appender.start()
    yield appender
    await appender.stop()


async def test_what_is_as_expected_takes_one_round_trip(store: Store) -> None:
    await until_it_is_known(store.appender)


async def test_what_another_process_has_committed_is_noticed(store: Store, other: Appender) -> None:
    await until_it_is_known(store.appender)
    await committed(store.appender, filled("a", 0))
    await committed(other, filled("a", 1))
    again = batches("again")
    assert await store.appender.append(filled("a", 1)) == Conflicted()
    assert batches("again") == again, "no batch of its own was in front of it"
    await committed(store.appender, filled("a", 2))
    assert await other.append(filled("a", 2)) == Conflicted()


REQUEST = Request("k", b"1")
DUE = Move("c", "t", 0, "epoch", after=3, number=4, next_offset=9)
ANEW = Move("c", "t", 0, "another epoch", after=7, number=8, next_offset=9)
THEIRS, MINE = Claim("email", "digest", "them"), Claim("email", "digest", "me")


@pytest.mark.parametrize(
    ("entry", "outcome"),
    [
        (filled("a", 0), Conflicted()),
        (Entry(ME, {"jar-a": 0, "jar-new": 0}, filled("new", 0).events), Conflicted()),
        (filled("new", 0, request=REQUEST, answer=Answer(201, b"2")), Repeated(Answer(200, b"1"))),
        (filled("new", 0, request=Request("k", b"2"), answer=Answer(201, b"2")), Mismatched()),
        (filled("new", 0, claims=(MINE,)), Taken(MINE)),
        (filled("new", 0, moves=(DUE,)), Outrun(DUE)),
        (filled("new", 0, moves=(ANEW,)), Outrun(ANEW)),
        (filled("new", 0, fires="never set"), Gone("never set")),
    ],
)  # fmt: skip
async def test_what_was_not_so_is_found_out(store: Store, owner: Database, entry: Entry, outcome: Any) -> None:
    before = filled("a", 0, request=REQUEST, answer=Answer(200, b"1"), claims=(THEIRS,))
    await committed(store.appender, before)
    open_one = Deadline("open", await owner.fetchval("SELECT store_now()") + timedelta(days=1), "expire", "b")
    await committed(store.appender, filled("b", 0, moves=(Move("c", "t", 0, "epoch", 0, 7, 9),), deadlines=(open_one,)))
    await until_it_is_known(store.appender)
    rows = await owner.fetch("SELECT * FROM events")
    found = await store.appender.append(entry)
    if isinstance(found, Repeated):
        found = Repeated(Answer(found.answer.status, found.answer.body))  # without its token
    assert found == outcome
    assert await owner.fetch("SELECT * FROM events") == rows


async def test_a_release_of_what_is_not_held_changes_nothing(store: Store) -> None:
    await committed(store.appender, filled("a", 0, claims=(THEIRS,)))
    await until_it_is_known(store.appender)
    await committed(store.appender, filled("b", 0, releases=(MINE,)))
    assert await store.appender.append(filled("c", 0, claims=(MINE,))) == Taken(MINE)


async def test_a_writer_that_waits_for_another_finds_the_head_moved(store: Store, other: Appender) -> None:
    await until_it_is_known(store.appender)
    await committed(other, filled("a", 0))
    await until_it_is_known(store.appender)
    holder = await store.database.connect()
    async with holder.transaction():  # as another process that is in the middle of its batch
        await holder.execute("UPDATE head SET recorded_at = recorded_at + interval '1 microsecond'")
        waiting = asyncio.create_task(store.appender.append(filled("a", 1)))
        while not await store.database.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ):
            await asyncio.sleep(0.01)
        await holder.execute(
            "INSERT INTO events SELECT position + 1000, 'x', stream, 2, type, payload, metadata, recorded_at, hash"
            " FROM events WHERE stream = 'jar-a'"
        )
    await holder.close()
    assert await waiting == Conflicted()


async def test_a_version_that_is_remembered_counts_until_somebody_else_appends(store: Store, other: Appender) -> None:
    await until_it_is_known(store.appender)
    await committed(store.appender, filled("a", 0))
    before = batches()
    await committed(store.appender, filled("a", 1))
    assert await store.appender.append(filled("a", 1)) == Conflicted()
    await until_it_is_known(store.appender)
    assert batches() > before
    await committed(store.appender, filled("a", 2))
    await committed(other, filled("a", 3))
    await committed(store.appender, filled("b", 0))
    await until_it_is_known(store.appender)  # it relies on the head again, behind which it has not seen the stream
    guarded = Entry(ME, {"jar-a": 3, "jar-c": 0}, filled("c", 0).events)
    assert await store.appender.append(guarded) == Conflicted()
    await committed(store.appender, filled("a", 4))


async def test_a_version_that_was_never_reached_is_noticed(store: Store) -> None:
    await until_it_is_known(store.appender)
    assert await store.appender.append(filled("a", 7)) == Conflicted()
    await until_it_is_known(store.appender)
    await committed(store.appender, filled("a", 0))
    assert await store.appender.append(filled("a", 7)) == Conflicted()


async def test_three_processes_at_once_keep_one_chain(store: Store, other: Appender, owner: Database) -> None:
    third = Appender(store.database, "jars")
    await third.start()

    async def client(appender: Appender) -> None:
        id = new_id()
        for version in range(20):
            await committed(appender, filled(id, version))

    await asyncio.gather(*(client(appender) for appender in (store.appender, other, third) for _ in range(5)))
    await third.stop()
    async with owner.pool.acquire() as connection:
        assert (await chain.verify(connection)).events == 3 * 5 * 20  # type: ignore[arg-type]


async def test_the_time_is_the_stores_also_when_its_clock_is_moved(store: Store, owner: Database) -> None:
    await until_it_is_known(store.appender)
    await owner.execute("UPDATE clock SET ahead_by = '1 day'")
    outcome = await committed(store.appender, filled("a", 0))
    now = await owner.fetchval("SELECT store_now()")
    assert timedelta(0) <= now - outcome.recorded_at < timedelta(hours=1)


async def test_only_what_others_append_makes_it_cautious(store: Store, other: Appender, owner: Database) -> None:
    await until_it_is_known(store.appender)
    await owner.execute("UPDATE clock SET ahead_by = '1 day'")
    await committed(store.appender, filled("a", 0))
    assert store.appender.reckon() is not None, "the time was another one, but nobody else has appended"
    assert await store.appender.append(filled("a", 0)) == Conflicted()
    assert store.appender.reckon() is not None, "a version was another one, but nobody else has appended"
    await until_it_is_known(store.appender)
    await committed(other, filled("b", 0))
    await committed(store.appender, filled("a", 1))
    assert store.appender.reckon() is None


async def test_deadlines_are_set_and_fired_once_without_the_lock(store: Store, owner: Database) -> None:
    await until_it_is_known(store.appender)
    deadline = Deadline("d", await owner.fetchval("SELECT store_now()"), "expire", "a")
    await committed(store.appender, filled("a", 0, deadlines=(deadline,)))
    await committed(store.appender, filled("a", 1, fires="d"))
    assert await store.appender.append(filled("a", 2, fires="d")) == Gone("d")
