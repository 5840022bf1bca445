"""Rebuilding beside the living one, swapping, and comparing, while messages come and reads go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.eventstore.database import AnyConnection, Database
from shared.eventstore.tests import jar
from shared.messaging import beside as beside_module
from shared.messaging import history, unshared
from shared.messaging.beside import Beside
from shared.messaging.history import Stuck
from shared.messaging.projections import Projector
from shared.messaging.rebuild import Differs, dump, rebuild, verify_projection
from shared.messaging.runner import Runner
from shared.messaging.tests import popular
from shared.messaging.tests.stage import Feed, running, until
from shared.testing.infra import Infra

FILLED = "jars.JarFilled.v1"


@asynccontextmanager
async def living(projector: Projector, reader: Database, infra: Infra, topic: str) -> AsyncIterator[None]:
    async with running(Runner(reader, infra.kafka, f"group-of-{topic}", [topic], projector).run()):
        yield


def beside(owner: Database, infra: Infra, topic: str, suffix: str = "new") -> Beside:
    return Beside(owner, infra.kafka, [topic], popular, {**jar.EVENTS}, suffix=suffix)


async def send(feed: Feed, count: int, sweets: int = 1) -> None:
    for n in range(count):
        await feed.send(FILLED, f"k{n % 7}", {"jar_id": f"k{n % 7}", "sweets": sweets})


async def total(reader: Database) -> int:
    return int(await reader.fetchval("SELECT coalesce(max((row->>'sweets')::int), 0) FROM popular WHERE key = 'all'"))


async def rows(database: Database) -> bytes:
    return b"".join([line async for line in dump(database, "popular")])


async def test_a_rebuild_is_swapped_in_while_messages_come_and_reads_go_on(
    projector: Projector, reader: Database, reader_owner: Database, infra: Infra, topic: str, feed: Feed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    reads: list[int] = []

    async def read() -> None:
        while True:
            reads.append(await total(reader))
            await asyncio.sleep(0.01)

    async with living(projector, reader, infra, topic):
        await send(feed, 70)
        await until(lambda: _total_is(reader, 70))
        old = popular.evolve
        monkeypatch.setattr(popular, "evolve", lambda row, *rest: old(old(row, *rest), *rest))
        async with running(read()), running(send(feed, 200)) as sending:
            rebuilt = await rebuild(beside(reader_owner, infra, topic))
            await sending
        assert (rebuilt.projection, rebuilt.rows) == ("popular", 8)
        assert await reader.fetchval("SELECT reltuples FROM pg_class WHERE relname = 'popular'") == 8  # -1: not known
        await until(lambda: _total_is(reader, 540))
        assert reads == sorted(reads)
        await verify_projection(beside(reader_owner, infra, topic, "check"))
        assert await reader.fetchval("SELECT count(*) FROM checkpoints WHERE consumer <> 'projections'") == 0
        assert (await rebuild(beside(reader_owner, infra, topic))).rows == 8
        await send(feed, 7)
        await until(lambda: _total_is(reader, 554))


async def _total_is(reader: Database, wanted: int) -> bool:
    return await total(reader) == wanted


async def test_a_row_that_was_tampered_with_is_named(
    projector: Projector, reader: Database, reader_owner: Database, infra: Infra, topic: str, feed: Feed
) -> None:
    async with living(projector, reader, infra, topic):
        await send(feed, 70)
        await until(lambda: _total_is(reader, 70))
    before = await rows(reader)
    assert (await verify_projection(beside(reader_owner, infra, topic))).messages == 70
    assert await rows(reader) == before
    await reader.execute("UPDATE popular SET row = jsonb_set(row, '{sweets}', '9') WHERE key = 'k3'")
    with pytest.raises(Differs) as caught:
        await verify_projection(beside(reader_owner, infra, topic))
    assert (caught.value.projection, caught.value.key) == ("popular", "k3")
    await reader.execute("DELETE FROM popular WHERE key = 'k2'")
    with pytest.raises(Differs, match="k2"):
        await verify_projection(beside(reader_owner, infra, topic))
    await rebuild(beside(reader_owner, infra, topic))
    assert await rows(reader) == before


async def test_a_rebuild_takes_over_what_is_parked(
    projector: Projector, reader: Database, reader_owner: Database, infra: Infra, topic: str, feed: Feed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    async with living(projector, reader, infra, topic):
        await feed.send(FILLED, "a", {"jar_id": "a", "sweets": 13})
        await feed.send(FILLED, "b", {"jar_id": "b", "sweets": 14})
        await until(lambda: _total_is(reader, 14))
        monkeypatch.setattr(popular, "UNLUCKY", 14)
        await rebuild(beside(reader_owner, infra, topic))
        assert await total(reader) == 13
        parked = await reader.fetch("SELECT consumer, key FROM parked")
        assert [(r["consumer"], r["key"]) for r in parked] == [("projections", "b")]


@pytest.mark.parametrize("sweets", [popular.UNLUCKY, 666])
async def test_what_a_rebuild_cannot_take_is_parked_as_the_living_one_parks_it(
    projector: Projector, reader: Database, reader_owner: Database, infra: Infra, topic: str, feed: Feed,
    monkeypatch: pytest.MonkeyPatch, sweets: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(unshared, "MESSAGES", 10)  # some of it is written before, and is not read again
    monkeypatch.setattr(beside_module, "CHUNK", 4)
    async with living(projector, reader, infra, topic):
        await send(feed, 50)
        await feed.send(FILLED, "k3", {"jar_id": "k3", "sweets": sweets})
        await send(feed, 50)
        await until(lambda: _total_is(reader, 100 - 7))  # k3 waits
        before, parked = await rows(reader), await _parked(reader)
        assert len(parked) == 8
        rebuilt = await rebuild(beside(reader_owner, infra, topic))
        assert (rebuilt.rows, rebuilt.messages) == (8, 101)
        assert (await rows(reader), await _parked(reader)) == (before, parked)


async def _parked(reader: Database) -> list[tuple[object, ...]]:
    found = await reader.fetch("SELECT consumer, partition, number, key FROM parked ORDER BY partition, number")
    return [tuple(row) for row in found]


async def test_a_message_that_came_late_is_in_a_rebuild(
    projector: Projector, reader: Database, reader_owner: Database, infra: Infra, topic: str, feed: Feed
) -> None:
    async with living(projector, reader, infra, topic):
        for number in (1, 2, 4, 5, 3, 6):
            await feed.send(FILLED, "k", {"jar_id": "k", "sweets": number}, number=number)
        await until(lambda: _total_is(reader, 21))
        before = await rows(reader)
        assert (await rebuild(beside(reader_owner, infra, topic))).messages == 6
    assert await rows(reader) == before


async def test_what_was_folded_for_a_swap_that_was_undone_is_folded_again(
    projector: Projector, reader: Database, reader_owner: Database, infra: Infra, topic: str, feed: Feed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    anew = beside(reader_owner, infra, topic)
    level, undone = anew.level, list[int]()

    @asynccontextmanager
    async def twice() -> AsyncIterator[AnyConnection]:
        if not undone:
            await send(feed, 20)
            await until(lambda: _total_is(reader, 90))
        async with level() as connection:
            if not undone:
                undone.append(anew.applied)
                raise TimeoutError
            yield connection

    monkeypatch.setattr(anew, "level", twice)
    async with living(projector, reader, infra, topic):
        await send(feed, 70)
        await until(lambda: _total_is(reader, 70))
        assert (await rebuild(anew)).messages == 90
        assert undone == [90]
        assert await total(reader) == 90
        await verify_projection(beside(reader_owner, infra, topic, "check"))


async def test_a_topic_that_lost_messages_stops_a_rebuild_and_changes_nothing(
    projector: Projector, reader: Database, reader_owner: Database, infra: Infra, topic: str, feed: Feed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(history, "STUCK_SECONDS", 2.0)
    async with living(projector, reader, infra, topic):
        await send(feed, 7)
        await until(lambda: _total_is(reader, 7))
    await reader_owner.execute("UPDATE checkpoints SET number = number + 5")
    with pytest.raises(Stuck):
        await rebuild(beside(reader_owner, infra, topic))
    assert await total(reader) == 7
    assert await reader.fetchval("SELECT to_regclass('popular__new')") is None
