"""Appending: whole or not at all, alone or in a crowd, on real PostgreSQL."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest

from shared.eventstore.append import Appender, StoreAway
from shared.eventstore.database import AWAY, Database
from shared.eventstore.entry import (
    Answer,
    Claim,
    Committed,
    Conflicted,
    Entry,
    Gone,
    Move,
    Outrun,
    Request,
    Taken,
    Write,
)
from shared.eventstore.execute import Executed, KeyReused, Overtaken, Store
from shared.eventstore.tests import jar
from shared.eventstore.tests.entries import ME, event
from shared.eventstore.work import Work
from shared.kernel.ids import new_id
from shared.kernel.rejected import Rejected

SCANS = "SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relname IN ('answers', 'events')"


async def do(work: Work, command: Any) -> dict[str, Any]:
    await work.decide(jar, command.jar_id, command)
    return {"id": command.jar_id, "revision": work.revision(jar, command.jar_id)}


async def fill(store: Store, id: str, sweets: int, key: str | None = None, body: bytes = b"1") -> Executed:
    request = Request(key or new_id(), body)
    return await store.execute(partial(_call, jar.Fill(id, sweets)), ME, request=request, primary=(jar, id))


async def take(store: Store, id: str, sweets: int, queue: bool = True) -> Executed:
    handler = partial(_call, jar.Take(id, sweets))
    return await store.execute(handler, ME, request=Request(new_id(), b""), primary=(jar, id) if queue else None)


async def _call(command: Any, work: Work) -> dict[str, Any]:
    return await do(work, command)


async def state(store: Store, id: str) -> tuple[jar.Jar, int]:
    return await store.as_of(jar, id)


async def test_what_is_acknowledged_can_be_read(store: Store) -> None:
    answer = await fill(store, "j", 3)
    assert (answer.status, answer.body, answer.repeated) == (200, b'{"id":"j","revision":1}', False)
    assert await state(store, "j") == (jar.Jar(3), 1)


async def test_a_repeated_key_gets_the_same_answer_and_happens_once(store: Store) -> None:
    first = await fill(store, "j", 3, key="k")
    second = await fill(store, "j", 3, key="k")
    assert (second.body, second.token, second.repeated) == (first.body, first.token, True)
    assert await state(store, "j") == (jar.Jar(3), 1)


async def test_a_repeated_refusal_stays_a_refusal_even_when_the_state_has_moved(store: Store) -> None:
    handler = partial(_call, jar.Take("j", 1))
    first = await store.execute(handler, ME, request=Request("k", b""))
    await fill(store, "j", 5)
    second = await store.execute(handler, ME, request=Request("k", b""))
    assert (first.status, second.status, second.repeated) == (409, 409, True)


async def test_the_same_key_with_another_body_is_refused(store: Store) -> None:
    await fill(store, "j", 3, key="k", body=b"1")
    with pytest.raises(KeyReused):
        await fill(store, "j", 3, key="k", body=b"2")


async def test_fifty_parallel_takings_never_overdraw(store: Store) -> None:
    await fill(store, "j", 10)
    answers = await asyncio.gather(*(take(store, "j", 1, queue=i % 2 == 0) for i in range(50)), return_exceptions=True)
    taken = sum(isinstance(a, Executed) and a.status == 200 for a in answers)
    left, _ = await state(store, "j")
    assert left.sweets == 10 - taken >= 0
    assert taken == 10


async def test_one_key_sent_fifty_times_at_once_happens_once(store: Store) -> None:
    answers = await asyncio.gather(*(fill(store, "j", 1, key="k") for _ in range(50)))
    assert len({a.body for a in answers}) == 1
    assert await state(store, "j") == (jar.Jar(1), 1)


async def test_a_guard_that_was_only_read_is_expected_too(store: Store) -> None:
    guarded = Entry(ME, {"guard-1": 0, "jar-1": 0}, events=(event("jar-1"),))
    await store.appender.append(Entry(ME, {}, events=(event("guard-1"),)))
    assert await store.appender.append(guarded) == Conflicted()


async def test_entries_of_one_batch_see_those_before_them(store: Store) -> None:
    entry = Entry(ME, {"jar-1": 0}, events=(event("jar-1"),))
    outcomes = await asyncio.gather(*(store.appender.append(entry) for _ in range(5)))
    assert sum(isinstance(o, Committed) for o in outcomes) == 1
    assert sum(isinstance(o, Conflicted) for o in outcomes) == 4


async def test_a_claim_has_one_owner_until_it_is_released(store: Store) -> None:
    claim = Claim("email", "digest", "a")
    assert isinstance(await store.appender.append(Entry(ME, {}, claims=(claim,))), Committed)
    other = Claim("email", "digest", "b")
    assert await store.appender.append(Entry(ME, {}, claims=(other,))) == Taken(other)
    await store.appender.append(Entry(ME, {}, releases=(other,)))  # not the owner: changes nothing
    assert await store.appender.append(Entry(ME, {}, claims=(other,))) == Taken(other)
    await store.appender.append(Entry(ME, {}, releases=(claim,)))
    assert isinstance(await store.appender.append(Entry(ME, {}, claims=(other,))), Committed)


async def test_a_checkpoint_moves_by_compare_and_set_with_its_effect(store: Store) -> None:
    move = Move("c", "t", 0, "epoch", after=0, number=3, next_offset=9)
    assert isinstance(await store.appender.append(Entry(ME, {}, events=(event("jar-1"),), moves=(move,))), Committed)
    again = await store.appender.append(Entry(ME, {}, events=(event("jar-1"),), moves=(move,)))
    assert again == Outrun(move)
    foreign = Move("c", "t", 0, "another epoch", after=3, number=4, next_offset=10)
    assert await store.appender.append(Entry(ME, {}, moves=(foreign,))) == Outrun(foreign)
    with pytest.raises(Overtaken):
        await store.execute(partial(_call, jar.Fill("j", 1)), ME, moves=(move,))
    assert await state(store, "1") == (jar.Jar(1), 1)


async def test_a_deadline_fires_once_and_not_after_it_was_cleared(store: Store) -> None:
    async def plan(work: Work) -> dict[str, Any]:
        work.set_deadline("d", work.now + timedelta(hours=1), "expire", "j")
        return {}

    await store.execute(plan, ME)
    assert isinstance(await store.appender.append(Entry(ME, {}, fires="d")), Committed)
    assert await store.appender.append(Entry(ME, {}, fires="d")) == Gone("d")


async def test_a_failing_statement_takes_nobody_else_down(store: Store) -> None:
    good = Entry(ME, {}, events=(event("jar-good"),))
    bad = Entry(ME, {}, events=(event("jar-bad"),), writes=(Write("INSERT INTO no_such_table VALUES (1)", ()),))
    outcomes = await asyncio.gather(*(store.appender.append(e) for e in (good, bad, good)), return_exceptions=True)
    assert [isinstance(o, Committed) for o in outcomes] == [True, False, True]
    assert (await store.as_of(jar, "bad"))[1] == 0


async def test_the_serving_role_cannot_change_or_delete_events(store: Store) -> None:
    await fill(store, "j", 1)
    for sql in (
        "UPDATE events SET payload = '{}'",
        "DELETE FROM events",
        "TRUNCATE events",
        "UPDATE clock SET ahead_by = '1 s'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await store.database.execute(sql)


async def test_refused_commands_raise_where_nobody_waits_for_an_answer(store: Store) -> None:
    with pytest.raises(Rejected):
        await store.execute(partial(_call, jar.Take("j", 1)), ME)


async def test_numbers_are_dense_on_each_partition_and_the_token_names_them(store: Store, owner: Database) -> None:
    answers = await asyncio.gather(*(fill(store, new_id(), 1) for _ in range(60)))
    rows = await owner.fetch("SELECT partition, array_agg(number ORDER BY position) AS numbers FROM events GROUP BY 1")
    assert sum(len(r["numbers"]) for r in rows) == 60
    assert all(list(r["numbers"]) == list(range(1, len(r["numbers"]) + 1)) for r in rows)
    assert len({a.token for a in answers}) == 60


async def test_time_never_runs_backwards(store: Store, owner: Database) -> None:
    await fill(store, "j", 1)
    await owner.execute("UPDATE clock SET ahead_by = '-1 hour'")
    await fill(store, "j", 1)
    times = [r[0] for r in await owner.fetch("SELECT recorded_at FROM events ORDER BY position")]
    assert times == sorted(times)


async def test_a_lost_connection_is_an_unknown_outcome_and_then_all_is_well(store: Store) -> None:
    await fill(store, "j", 1)
    own = "usename = current_user AND pid <> pg_backend_pid()"
    await store.database.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {own}")
    for _ in range(100):
        try:
            await fill(store, "j", 1, key="again")
            break
        except (StoreAway, *AWAY):
            await asyncio.sleep(0.05)
    assert await state(store, "j") == (jar.Jar(2), 2)


async def test_a_head_that_somebody_holds_for_too_long_is_an_unknown_outcome(store: Store) -> None:
    entry = Entry(ME, {"jar-1": 0}, events=(event("jar-1"),))
    holder = await store.database.connect()
    async with holder.transaction():  # as a process that is frozen in the middle of its batch
        await holder.execute("SELECT FROM head FOR UPDATE")
        with pytest.raises(StoreAway):
            await store.appender.append(entry)
    await holder.close()
    assert isinstance(await store.appender.append(entry), Committed)


async def test_who_was_answered_goes_on_before_the_next_batch(store: Store) -> None:
    async def append(*streams: str) -> list[Any]:
        return [await store.appender.append(Entry(ME, {stream: 0}, (event(stream),))) for stream in streams]

    holder = await store.database.connect()
    async with holder.transaction():
        await holder.execute("SELECT FROM head FOR UPDATE")
        one_after_another = asyncio.create_task(append("jar-1", "jar-2"))
        await asyncio.sleep(0.05)
        waits = asyncio.create_task(append("jar-3"))
        await asyncio.sleep(0.05)
    (first, second), (waited,) = await asyncio.gather(one_after_another, waits)
    assert first.recorded_at < waited.recorded_at == second.recorded_at  # a batch has one time
    await holder.close()


async def test_what_is_under_way_is_finished_before_an_appender_stops(store: Store) -> None:
    appender = Appender(store.database, "jars")
    await appender.start()
    holder = await store.database.connect()
    async with holder.transaction():
        await holder.execute("SELECT FROM head FOR UPDATE")
        appended = asyncio.create_task(appender.append(Entry(ME, {"jar-1": 0}, (event("jar-1"),))))
        await asyncio.sleep(0.05)
        stopped = asyncio.create_task(appender.stop())
        await asyncio.sleep(0.05)
    assert isinstance(await appended, Committed)
    await stopped
    await holder.close()


async def test_a_new_store_is_never_read_whole_by_an_append(store: Store) -> None:
    appender = Appender(store.database, "jars")
    await appender.start()
    for number in range(20):
        stream, request = f"jar-{number % 4}", Request(f"key-{number}", b"d")
        entry = Entry(ME, {stream: number // 4}, (event(stream),), request=request, answer=Answer(200, b"{}"))
        assert isinstance(await appender.append(entry), Committed)
    await appender.stop()
    scans: list[asyncpg.Record] = []
    async with asyncio.timeout(60):  # a session tells what it has done when it ends
        while not scans or not all(row["idx_scan"] for row in scans):
            await asyncio.sleep(0.1)
            scans = await store.database.fetch(SCANS)
    assert [row["seq_scan"] for row in scans] == [0, 0]
