"""The projector: the same rows, byte for byte, however the partitions interleave."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.eventstore.database import Database
from shared.eventstore.execute import Overtaken
from shared.eventstore.tests import jar
from shared.messaging import at_once, metrics
from shared.messaging.batches import Run
from shared.messaging.checkpoint import Checkpoint
from shared.messaging.envelope import Item, Received
from shared.messaging.parking import BEHIND
from shared.messaging.projections import Projector
from shared.messaging.rebuild import dump
from shared.messaging.rows import NOTIFICATION_LIMIT, notifications
from shared.messaging.tests import popular
from shared.messaging.tests.stage import NOON, until

FILLED = "jars.JarFilled.v1"


def message(partition: int, number: int, key: str, value: bytes, type: str = FILLED) -> Received:
    return Received(
        "t", partition, number - 1, "e", number, number, "", f"{partition}-{number}", type, key, "jars", NOON, 1,
        f"jar-{key}", "somebody", "c", value,
    )  # fmt: skip


def filled(partition: int, number: int, key: str, sweets: int) -> Received:
    return message(partition, number, key, b'{"jar_id":"%s","sweets":%d}' % (key.encode(), sweets))


def run(*items: Item) -> Run:
    first = items[0]
    after = first.number - 1
    return Run("t", first.partition, Checkpoint("e" if after else "", after, after), items)


async def dumped(database: Database) -> bytes:
    return b"".join([line async for line in dump(database, "popular")])


async def row(database: Database, key: str) -> dict[str, object]:
    found = await database.fetchrow("SELECT row, version, seen FROM popular WHERE key = $1", key)
    assert found is not None
    return {**json.loads(found["row"]), "version": found["version"], "seen": json.loads(found["seen"])}


async def parked(database: Database) -> list[tuple[int, str]]:
    rows = await database.fetch("SELECT number, error FROM parked ORDER BY partition, number")
    return [(r["number"], r["error"].partition(":")[0]) for r in rows]


async def test_messages_fold_into_rows(projector: Projector, reader: Database) -> None:
    await projector.take([run(filled(0, 1, "a", 5), filled(0, 2, "b", 1)), run(filled(1, 1, "c", 2))])
    assert await row(reader, "all") == {
        "sweets": 8, "fillings": 3, "largest": 5, "note": "", "version": 3, "seen": {"jars:0:e": 2, "jars:1:e": 1},
    }  # fmt: skip
    assert (await row(reader, "b"))["seen"] == {"jars:0:e": 2}


async def test_every_interleaving_gives_the_same_bytes(projector: Projector, reader: Database) -> None:
    dice = random.Random(7)
    streams = [[filled(p, n, f"{p}{n % 3}", dice.randint(1, 99)) for n in range(1, 31)] for p in range(4)]
    results = set()
    for _ in range(6):
        await reader.execute("DELETE FROM popular; DELETE FROM checkpoints; DELETE FROM parked")
        left = [list(stream) for stream in streams]
        while any(left):
            batch = []
            for stream in dice.sample(left, dice.randint(1, 4)):
                count = dice.randint(0, 9)
                if stream[:count]:
                    batch.append(run(*stream[:count]))
                    del stream[:count]
            if batch:
                await projector.take(batch)
        results.add(await dumped(reader))
    assert len(results) == 1
    assert len(results.pop().splitlines()) == 13


async def test_two_projectors_on_the_same_rows_lose_nothing(projector: Projector, reader: Database) -> None:
    async def follow(partition: int) -> None:
        for n in range(1, 41):
            await projector.take([run(filled(partition, n, f"k{n % 4}", 1))])

    await asyncio.gather(*(follow(partition) for partition in range(4)))
    assert (await row(reader, "all"))["sweets"] == 160


CHANGED_BY_HAND = """UPDATE popular SET row = jsonb_set(row, '{sweets}', '1000') WHERE key = 'all'"""
SWAPPED = f"""
CREATE TABLE anew (LIKE popular INCLUDING ALL); INSERT INTO anew SELECT * FROM popular; GRANT ALL ON anew TO PUBLIC;
DROP TABLE popular; ALTER TABLE anew RENAME TO popular; {CHANGED_BY_HAND}"""
TAKEN_AWAY = "DELETE FROM popular WHERE key = 'all'"


def steps_at_once() -> Any:
    return metrics.AT_ONCE.labels("projections")._value.get()


async def familiar(projector: Projector) -> None:
    """Take three messages, one after the other: the rows of jar a are known then."""
    for number in range(1, 4):
        await projector.take([run(filled(0, number, "a", 1))])


async def test_what_a_step_says_is_planned_once(projector: Projector, reader: Database) -> None:
    for number in range(1, 21):
        await projector.take([run(filled(0, number, f"k{number % 4}", 1))])
    counted = await reader.fetchrow("SELECT max(generic_plans), sum(custom_plans) FROM pg_prepared_statements")
    assert counted is not None
    assert counted["max"] > 10
    assert counted["sum"] == 0


async def test_a_step_comes_to_its_rows_in_the_order_of_their_keys(
    projector: Projector, reader_owner: Database, reader: Database
) -> None:
    """As those do who lock them; a plan that read a small table whole would come to them in the table's order."""
    statement = at_once._write(((at_once.CHANGE, "popular"),))
    await familiar(projector)
    for prepare in ("SELECT", "ANALYZE popular"):  # as in a new table, and as in one that is known to be small
        await reader_owner.execute(prepare)
        async with reader.pool.acquire() as connection:
            await connection.execute(f"PREPARE step AS {statement}")
            explained = await connection.fetch(f"EXPLAIN EXECUTE step ({', '.join(['NULL'] * 14)})")
            await connection.execute("DEALLOCATE step")
        plan = "\n".join(line[0] for line in explained)
        assert "Index Scan using popular_pkey" in plan, plan
        assert "Hash Join" not in plan, plan


async def test_what_is_as_it_was_left_takes_one_round_trip(projector: Projector, reader: Database) -> None:
    await familiar(projector)
    before = steps_at_once()
    await projector.take([run(filled(0, 4, "a", 1), filled(0, 5, "b", 1))])
    assert steps_at_once() == before + 1
    assert [(await row(reader, key))["sweets"] for key in ("all", "a", "b")] == [5, 4, 1]


@pytest.mark.parametrize(("change", "sweets"), [(CHANGED_BY_HAND, 1_001), (SWAPPED, 1_001), (TAKEN_AWAY, 1)])
async def test_what_somebody_else_has_done_is_kept(
    projector: Projector, reader_owner: Database, reader: Database, change: str, sweets: int
) -> None:
    await familiar(projector)
    await reader_owner.execute(change)
    before = steps_at_once()
    await projector.take([run(filled(0, 4, "a", 1))])
    assert steps_at_once() == before
    assert [(await row(reader, key))["sweets"] for key in ("all", "a")] == [sweets, 4]


async def test_two_processes_that_share_rows_lose_nothing(projector: Projector, reader: Database) -> None:
    other = Projector(reader, [popular], {**jar.EVENTS})

    async def follow(one: Projector, partition: int, first: int) -> None:
        for number in range(first, 61):
            await one.take([run(filled(partition, number, f"k{number % 4}", 1))])

    before = steps_at_once()
    for number in range(1, 6):  # all rows are as this one left them, when the other one begins
        await projector.take([run(filled(0, number, f"k{number % 4}", 1))])
    assert steps_at_once() > before
    await asyncio.gather(follow(projector, 0, 6), follow(other, 1, 1))
    found = await row(reader, "all")
    assert (found["sweets"], found["version"], found["seen"]) == (120, 120, {"jars:0:e": 60, "jars:1:e": 60})


async def test_nothing_is_written_where_one_checkpoint_is_elsewhere(projector: Projector, reader: Database) -> None:
    await projector.take([run(filled(1, 1, "a", 1))])
    await familiar(projector)
    await reader.execute("UPDATE checkpoints SET number = 7 WHERE partition = 0")
    before, stood = await dumped(reader), await reader.fetch("SELECT * FROM checkpoints ORDER BY partition")
    with pytest.raises(Overtaken):
        await projector.take([run(filled(0, 4, "a", 1)), run(filled(1, 2, "a", 1))])
    assert await dumped(reader) == before
    assert await reader.fetch("SELECT * FROM checkpoints ORDER BY partition") == stood


async def test_what_follows_something_parked_meanwhile_is_parked(projector: Projector, reader: Database) -> None:
    await familiar(projector)
    before = await dumped(reader)
    await reader.execute(
        "INSERT INTO parked (consumer, unit, topic, partition, number, key, type, value, headers, error, parked_at)"
        " VALUES ('projections', 'popular', 't', 0, 3, 'a', '', '', '{}', 'by hand', now())"
    )
    await projector.take([run(filled(0, 4, "a", 1))])
    assert await parked(reader) == [(3, "by hand"), (4, BEHIND)]
    assert await dumped(reader) == before


async def test_as_many_rows_as_are_remembered_and_no_more(
    projector: Projector, reader: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_once, "REMEMBERED", 3)
    for number in range(1, 41):
        await projector.take([run(filled(0, number, f"k{number % 8}", 1))])
    assert len(projector._at_once._rows["popular"]) == 3
    assert {(await row(reader, f"k{n}"))["sweets"] for n in range(8)} == {5}


async def test_the_same_batch_again_changes_nothing(projector: Projector, reader: Database) -> None:
    batch = [run(filled(0, 1, "a", 5))]
    await projector.take(batch)
    before = await dumped(reader)
    with pytest.raises(Overtaken):
        await projector.take(batch)
    assert await dumped(reader) == before


async def test_what_fails_is_parked_with_all_behind_it_and_leaves_no_empty_row(
    projector: Projector, reader: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await projector.take([run(filled(0, 1, "a", 13), filled(0, 2, "a", 1), filled(0, 3, "b", 2))])
    await projector.take([run(filled(0, 4, "a", 3), filled(0, 5, "b", 4))])
    assert await parked(reader) == [(1, "ValueError"), (2, BEHIND), (4, BEHIND)]
    assert (await row(reader, "all"))["sweets"] == 6
    assert [r["key"] for r in await reader.fetch("SELECT key FROM popular ORDER BY key")] == ["all", "b"]
    monkeypatch.setattr(popular, "UNLUCKY", None)
    await projector.replay([("t", 0)])
    assert await parked(reader) == []
    assert (await row(reader, "a"))["sweets"] == 17
    assert (await row(reader, "all"))["version"] == 5


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (message(0, 2, "a", b"\xff"), "Undecodable"),
        (message(0, 2, "a", b"{}", "jars.Unknown.v1"), "UnknownType"),
        (filled(0, 2, "a", 666), "UntranslatableCharacterError"),
    ],
)
async def test_what_cannot_be_taken_is_parked_alone(
    projector: Projector, reader: Database, item: Item, error: str
) -> None:
    await projector.take([run(filled(0, 1, "b", 1), item, filled(0, 3, "b", 1)), run(filled(1, 1, "c", 1))])
    assert await parked(reader) == [(2, error)]
    assert (await row(reader, "all"))["sweets"] == 3


async def test_messages_that_nobody_listens_to_move_the_checkpoint(projector: Projector, reader: Database) -> None:
    await projector.take([run(message(0, 1, "a", b"?", "jars.SweetsTaken.v1"))])
    assert await reader.fetchval("SELECT number FROM checkpoints") == 1
    assert await dumped(reader) == b""


@pytest.fixture
async def heard(reader: Database) -> AsyncIterator[list[tuple[str, str]]]:
    found: list[tuple[str, str]] = []
    connection = await reader.connect()
    for channel in ("changed", "moved"):
        await connection.add_listener(channel, lambda _c, _p, name, payload: found.append((name, payload)))
    yield found
    connection.terminate()


async def test_each_committed_version_is_announced(
    projector: Projector, reader: Database, heard: list[tuple[str, str]]
) -> None:
    keys = [f"a-rather-long-key-of-a-jar-{n:04}" for n in range(600)]
    await projector.take([run(*(filled(0, n + 1, key, 1) for n, key in enumerate(keys)))])
    await until(lambda: ("moved", "projections") in heard)
    changed = [json.loads(payload) for name, payload in heard if name == "changed"]
    assert len(changed) > 1
    assert {c["p"] for c in changed} == {"popular"}
    assert dict(pair for c in changed for pair in c["k"]) == {"all": 600, **dict.fromkeys(keys, 1)}


@pytest.mark.parametrize("length", [1, 7, 36, 100, 1_000])
def test_no_announcement_is_longer_than_postgresql_takes(length: int) -> None:
    versions = [(f"{n:0{length}}", n) for n in range(900)]
    texts = notifications("popular", versions)
    assert all(len(text.encode()) <= NOTIFICATION_LIMIT for text in texts)
    assert [tuple(pair) for text in texts for pair in json.loads(text)["k"]] == versions
