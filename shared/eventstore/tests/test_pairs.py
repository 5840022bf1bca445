"""Two batches under way at once: the second is decided on what the first one will leave, and falls with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared.eventstore import chain
from shared.eventstore.append import LANES, WORTH_A_STATEMENT, StoreAway
from shared.eventstore.database import Database
from shared.eventstore.entry import (
    Answer,
    Claim,
    Committed,
    Conflicted,
    Deadline,
    Entry,
    Gone,
    Move,
    Outrun,
    Repeated,
    Request,
    Taken,
)
from shared.eventstore.execute import Store
from shared.eventstore.tests.entries import ME, batches, filled, until_it_is_known
from shared.kernel.ids import new_id

WAITING = """
SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() ORDER BY query_start"""


DAY = "SELECT store_now() + interval '1 day'"
THEIRS, MINE = Claim("email", "digest", "them"), Claim("email", "digest", "me")
STEP = Move("c", "t", 0, "epoch", after=0, number=1, next_offset=2)


def others() -> list[Entry]:
    """Return entries that concern nobody else: with one more they are worth a statement."""
    return [filled(new_id(), 0) for _ in range(WORTH_A_STATEMENT - 1)]


async def until_waiting(store: Store, count: int) -> list[int]:
    """Return the backends that wait for a lock, the first one first, when there are as many."""
    async with asyncio.timeout(60):
        while len(rows := await store.database.fetch(WAITING)) < count:
            await asyncio.sleep(0.01)
    return [row["pid"] for row in rows]


@asynccontextmanager
async def held(store: Store) -> AsyncIterator[None]:
    """Hold the head as a process in the middle of its batch does, and then let it go as it was."""
    holder = await store.database.connect()
    async with holder.transaction():
        await holder.execute("SELECT FROM head FOR UPDATE")
        yield
    await holder.close()


@pytest.fixture
async def paired(store: Store) -> Store:
    """A store whose appender has the head in mind and a connection for each of two batches."""
    for _ in range(1_000):
        await asyncio.gather(*(store.appender.append(entry) for entry in (*others(), *others(), filled(new_id(), 0))))
        async with held(store):
            appended = asyncio.gather(*(store.appender.append(filled(new_id(), 0)) for _ in range(64)))
            await until_waiting(store, 1)
            await asyncio.sleep(0.05)
            paired = len(await store.database.fetch(WAITING)) == LANES
        await appended
        if paired:
            return store
    raise AssertionError("no batch was ever sent behind another")


async def events(store: Store) -> int:
    """Return how many events the log holds, all of them in one chain."""
    async with store.database.pool.acquire() as connection:
        return (await chain.verify(connection)).events  # type: ignore[arg-type]


async def pair(store: Store, first: Entry, second: Entry, waiting: int = LANES) -> tuple[Any, Any]:
    """Append a batch with each of two entries, the second one while the first waits for the head."""
    await until_it_is_known(store.appender)
    before = await events(store)
    async with held(store):
        entries = (first, *others(), second, *others())
        appended = asyncio.gather(*(store.appender.append(entry) for entry in entries))
        await until_waiting(store, waiting)
        await asyncio.sleep(0.05)
    outcomes = await appended
    assert await events(store) - before == sum(isinstance(outcome, Committed) for outcome in outcomes)
    ours = outcomes.pop(0), outcomes.pop(WORTH_A_STATEMENT - 1)
    assert all(isinstance(outcome, Committed) for outcome in outcomes)
    return ours


async def test_both_take_one_round_trip(paired: Store) -> None:
    for id in range(1_000):  # a slow machine may let the second one come first
        before = batches() + 1  # by which it is known
        await pair(paired, filled(f"a-{id}", 0), filled(f"b-{id}", 0))
        if batches() == before + LANES:
            return
    raise AssertionError("the second batch has always been sent again")


async def test_a_second_batch_that_comes_first_is_sent_again(paired: Store) -> None:
    await until_it_is_known(paired.appender)
    before, again = batches(), batches("again")
    holder = await paired.database.connect()
    async with holder.transaction():  # the first statement comes to the claims before it comes to the head
        await holder.execute("LOCK TABLE claims IN ACCESS EXCLUSIVE MODE")
        entries = (filled("a", 0, claims=(MINE,)), *others(), filled("a", 1), *others())
        appended = asyncio.gather(*(paired.appender.append(entry) for entry in entries))
        await until_waiting(paired, 1)
        await asyncio.sleep(0.05)
    await holder.close()
    assert {type(outcome) for outcome in await appended} == {Committed}
    assert (batches(), batches("again")) == (before + 1, again + 1)


async def test_two_batches_are_under_way_and_the_second_is_behind_the_first(paired: Store) -> None:
    first, second = await pair(paired, filled("a", 0), filled("a", 1))
    assert isinstance(first, Committed)
    assert isinstance(second, Committed)
    assert first.recorded_at < second.recorded_at
    assert first.positions < second.positions


async def test_the_second_conflicts_with_the_first(paired: Store) -> None:
    first, second = await pair(paired, filled("a", 0), filled("a", 0))
    assert isinstance(first, Committed)
    assert second == Conflicted()


async def test_a_guard_that_the_first_moves_is_noticed_by_the_second(paired: Store) -> None:
    guarded = Entry(ME, {"jar-a": 0, "jar-b": 0}, filled("b", 0).events)
    first, second = await pair(paired, filled("a", 0), guarded)
    assert isinstance(first, Committed)
    assert second == Conflicted()


async def test_a_key_in_both_is_answered_once(paired: Store) -> None:
    request, answer = Request("k", b"1"), Answer(200, b"1")
    once, again = (filled(id, 0, request=request, answer=answer) for id in ("a", "b"))
    first, second = await pair(paired, once, again)
    assert {type(first), type(second)} == {Committed, Repeated}


async def test_where_the_first_fails_the_second_is_decided_again(paired: Store) -> None:
    request, answer = Request("k", b"1"), Answer(200, b"1")
    await paired.appender.append(filled("a", 0, request=request, answer=answer))
    await paired.appender.append(filled("b", 0))
    first, second = await pair(paired, filled("a", 1, request=request, answer=answer), filled("b", 1))
    assert isinstance(first, Repeated)
    assert isinstance(second, Committed)


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ({"claims": (THEIRS,)}, {"claims": (MINE,)}, Taken(MINE)),
        ({"moves": (STEP,)}, {"moves": (STEP,)}, Outrun(STEP)),
        ({"cleared": ("open",)}, {"fires": "open"}, Gone("open")),
        ({"fires": "open"}, {"fires": "open"}, Gone("open")),
    ],
)  # fmt: skip
async def test_what_both_touch_is_not_sent_at_once(
    paired: Store, owner: Database, first: dict[str, Any], second: dict[str, Any], outcome: Any
) -> None:
    due = Deadline("open", await owner.fetchval(DAY), "expire", "b")
    await paired.appender.append(filled("b", 0, deadlines=(due,)))
    done, refused = await pair(paired, filled("a", 0, **first), filled("c", 0, **second), waiting=1)
    assert isinstance(done, Committed)
    assert refused == outcome


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        ({"claims": (MINE,)}, {"releases": (MINE,)}, "SELECT count(*) FROM claims"),
        ({"deadlines": ("new",)}, {"cleared": ("new",)}, "SELECT count(*) FROM deadlines"),
    ],
)
async def test_what_the_first_makes_the_second_can_remove(
    paired: Store, owner: Database, first: dict[str, Any], second: dict[str, Any], left: str
) -> None:
    if "deadlines" in first:
        first = {"deadlines": (Deadline("new", await owner.fetchval(DAY), "expire", "b"),)}
    done = await pair(paired, filled("a", 0, **first), filled("c", 0, **second), waiting=1)
    assert [type(outcome) for outcome in done] == [Committed, Committed]
    assert await owner.fetchval(left) == 0


@pytest.mark.parametrize("lost", [0, 1])
async def test_a_batch_that_is_cut_off_does_not_take_the_other_along(paired: Store, lost: int) -> None:
    await until_it_is_known(paired.appender)
    before = await events(paired)
    async with held(paired):
        entries = [filled(new_id(), 0) for _ in range(2 * WORTH_A_STATEMENT)]
        appended = asyncio.gather(*map(paired.appender.append, entries), return_exceptions=True)
        pids = await until_waiting(paired, LANES)
        await paired.database.execute("SELECT pg_terminate_backend($1)", pids[lost])
        while pids[lost] in await until_waiting(paired, LANES - 1):
            await asyncio.sleep(0.01)
    outcomes = await appended
    halves = [
        {type(outcome) for outcome in half} for half in (outcomes[:WORTH_A_STATEMENT], outcomes[WORTH_A_STATEMENT:])
    ]
    assert halves in ([{StoreAway}, {Committed}], [{Committed}, {StoreAway}])
    assert await events(paired) == before + WORTH_A_STATEMENT
    outcomes = await asyncio.gather(*map(paired.appender.append, entries))
    assert sum(isinstance(outcome, Committed) for outcome in outcomes) == WORTH_A_STATEMENT
