"""What a process remembers of streams: it saves reading, and decides nothing that the store would not bear out."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from shared.eventstore.append import Appender
from shared.eventstore.database import Database
from shared.eventstore.entry import Committed, Entry, Metadata, NewEvent, Request
from shared.eventstore.execute import Store
from shared.eventstore.memory import Memory
from shared.eventstore.read import SNAPSHOT_EVERY, Loaded, load
from shared.eventstore.states import States
from shared.eventstore.tests import jar
from shared.eventstore.tests.conftest import new_store
from shared.eventstore.tests.entries import ME
from shared.eventstore.tests.test_append import _call, do, fill, state, take
from shared.eventstore.work import Work
from shared.eventstore.world import Head
from shared.kernel.ids import new_id
from shared.kernel.rejected import Rejected
from shared.testing.infra import FreshDatabase

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def loaded(version: int) -> Loaded:
    return Loaded(jar.Jar(version), version, 0, NOW)


@pytest.fixture
def questions(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement with which the store reads outside its appends."""
    asked: list[str] = []
    for name in ("fetch", "fetchrow", "fetchval"):
        really = getattr(store.database, name)

        async def listening(sql: str, *args: Any, really: Any = really) -> Any:
            asked.append(sql)
            return await really(sql, *args)

        monkeypatch.setattr(store.database, name, listening)
    return asked


async def elsewhere(store: Store, sweets: int, version: int) -> None:
    """Put sweets into the jar `j` as another process does."""
    other = Appender(store.database, "jars")
    await other.start()
    event = NewEvent(new_id(), "jar-j", "jars.JarFilled.v1", b'{"jar_id":"j","sweets":%d}' % sweets)
    assert isinstance(await other.append(Entry(ME, {"jar-j": version}, (event,))), Committed)
    await other.stop()


async def test_a_command_on_a_known_stream_reads_nothing(store: Store, questions: list[str]) -> None:
    await fill(store, "j", 3)
    assert questions
    for _ in range(100):  # a machine that stands still for a moment spoils a try: the time was reckoned wrongly then
        questions.clear()
        assert (await fill(store, "j", 1)).status == 200
        assert (await take(store, "j", 1_000)).status == 409
        assert (await take(store, "j", 1)).status == 200
        if not questions:
            break
    assert questions == []
    assert (await state(store, "j"))[0] == jar.Jar(3)


async def test_what_another_process_has_appended_is_decided_on(store: Store) -> None:
    await fill(store, "j", 1)
    await elsewhere(store, 5, version=1)
    assert (await take(store, "j", 6)).body == b'{"id":"j","revision":3}', "a refusal would be of what was before"
    await elsewhere(store, 2, version=3)
    assert (await fill(store, "j", 1)).body == b'{"id":"j","revision":5}'


async def test_a_refusal_that_is_raised_is_never_of_what_is_only_remembered(store: Store) -> None:
    await fill(store, "j", 1)
    await elsewhere(store, 5, version=1)
    await store.execute(partial(_call, jar.Take("j", 6)), ME)
    with pytest.raises(Rejected):
        await store.execute(partial(_call, jar.Take("j", 1)), ME)


async def test_a_store_of_another_epoch_is_read_anew_though_its_versions_are_the_same(
    store: Store, owner: Database
) -> None:
    await fill(store, "j", 1)
    await owner.execute('UPDATE events SET payload = \'{"jar_id":"j","sweets":9}\'')
    await owner.execute("UPDATE head SET epoch = 'restored'")
    assert (await take(store, "j", 9)).status == 200


async def test_the_time_of_a_decision_is_the_stores_also_when_its_clock_was_moved(
    store: Store, owner: Database
) -> None:
    times = []

    async def noted(work: Work) -> dict[str, Any]:
        times.append(work.now)
        return await do(work, jar.Fill("j", 1))

    await fill(store, "j", 1)
    await store.execute(noted, ME)
    await owner.execute("UPDATE clock SET ahead_by = ahead_by + interval '1 day'")
    await store.execute(noted, ME)
    assert times[-1] - times[0] > timedelta(hours=23)


async def test_what_was_decided_before_a_refusal_is_not_remembered_and_in_no_snapshot(
    store: Store, owner: Database
) -> None:
    events = tuple(
        NewEvent(new_id(), "jar-j", "jars.JarFilled.v1", b'{"jar_id":"j","sweets":1}')
        for _ in range(SNAPSHOT_EVERY - 1)
    )
    await store.appender.append(Entry(Metadata("a", "c"), {}, events))

    async def in_vain(work: Work) -> dict[str, Any]:
        await do(work, jar.Fill("j", 1))
        return await do(work, jar.Take("j", 10_000))

    assert (await store.execute(in_vain, ME, request=Request("k", b""))).status == 409
    assert await owner.fetchval("SELECT count(*) FROM snapshots") == 0
    assert (await take(store, "j", SNAPSHOT_EVERY)).status == 409


async def test_a_stream_that_is_never_read_gets_its_snapshots_all_the_same(store: Store, owner: Database) -> None:
    for _ in range(SNAPSHOT_EVERY):
        await fill(store, "j", 1)
    assert await owner.fetchval("SELECT version FROM snapshots WHERE stream = 'jar-j'") == SNAPSHOT_EVERY
    fresh = new_store(store.database)
    read = await load(store.database, fresh._reader.events, jar, "jar-j")
    assert (read.state, read.version, read.snapshot) == (jar.Jar(SNAPSHOT_EVERY), SNAPSHOT_EVERY, SNAPSHOT_EVERY)


async def test_a_snapshot_that_cannot_be_saved_fails_no_command_and_is_made_up_for(
    store: Store, owner: Database, store_database: FreshDatabase
) -> None:
    sweets = tuple(
        NewEvent(new_id(), "jar-j", "jars.JarFilled.v1", b'{"jar_id":"j","sweets":1}') for _ in range(SNAPSHOT_EVERY)
    )
    await store.appender.append(Entry(ME, {}, sweets))
    await owner.execute(f"REVOKE INSERT ON snapshots FROM {store_database.role}")
    assert (await fill(store, "j", 1)).status == 200
    assert await owner.fetchval("SELECT count(*) FROM snapshots") == 0
    await owner.execute(f"GRANT INSERT ON snapshots TO {store_database.role}")
    assert (await fill(store, "j", 1)).status == 200
    assert await owner.fetchval("SELECT version FROM snapshots WHERE stream = 'jar-j'") == SNAPSHOT_EVERY + 2


def test_nothing_is_reckoned_while_others_append_in_turn() -> None:
    memory = Memory()
    assert memory.reckon() is None
    memory.keep(Head("e", 1, b"", NOW, (1,)), NOW, {})
    memory.forget()
    reckoned = memory.reckon()
    assert reckoned is not None
    assert reckoned.epoch == "e"
    assert timedelta(0) <= reckoned.now - NOW < timedelta(hours=1)
    memory.mistaken()
    assert memory.reckon() is None
    memory.keep(Head("e", 2, b"", NOW, (2,)), NOW, {})
    assert not memory.trusted(), "the next batch takes the lock"
    assert memory.reckon() is not None


def test_the_newest_state_of_an_epoch_stays_and_the_least_wanted_stream_goes() -> None:
    states = States(limit=2)
    states.keep("e", jar, "a", loaded(2))
    states.keep("e", jar, "a", loaded(1))
    assert states.get("e", jar, "a") == loaded(2)
    states.keep("e", jar, "b", loaded(1))
    assert states.get("e", jar, "a") == loaded(2)
    states.keep("e", jar, "c", loaded(1))
    assert states.get("e", jar, "b") is None
    states.keep("f", jar, "a", loaded(1))
    assert states.get("e", jar, "a") is None, "of another epoch: forgotten"
    states.keep("f", jar, "a", loaded(1))
    states.forget([("a", jar), ("unknown", jar)])
    assert states.get("f", jar, "a") is None


def test_few_versions_are_remembered_and_none_that_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.eventstore.memory.STREAMS", 3)
    memory = Memory()
    memory.keep(Head("e", 1, b"", NOW, (1,)), NOW, {"a": 1, "b": 1, "c": 1})
    memory.keep(Head("e", 2, b"", NOW, (2,)), NOW, {"a": 2})
    assert memory.versions == {"a": 2}
    memory.forget()
    assert memory.versions == {}
