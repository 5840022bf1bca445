"""Folding in memory into a table of one's own: the same rows, byte for byte, as a projector writes step by step."""

import random

import pytest

from shared.eventstore.database import Database
from shared.eventstore.execute import Overtaken
from shared.eventstore.tests import jar
from shared.messaging import checkpoint, unshared
from shared.messaging.batches import Run
from shared.messaging.checkpoint import Checkpoint
from shared.messaging.envelope import Broken, Item
from shared.messaging.projections import Projector
from shared.messaging.tests import popular
from shared.messaging.tests.test_projections import dumped, filled, message, row
from shared.messaging.unshared import Unshared, Untaken

pytestmark = pytest.mark.usefixtures("projector")  # which makes the table

PLACES = [("t", partition) for partition in range(3)]


def run(*items: Item) -> Run:
    first = items[0]
    after = first.number - 1
    return Run("t", first.partition, Checkpoint("e" if after else "", after, after), items, epoch="e")


async def begun(reader: Database) -> Unshared:
    async with reader.pool.acquire() as connection:
        await checkpoint.begin(connection, "anew", PLACES)
    return Unshared(reader, popular, {**jar.EVENTS}, "popular", "anew")


async def numbers(reader: Database) -> list[int]:
    return [r["number"] for r in await reader.fetch("SELECT number FROM checkpoints ORDER BY partition")]


@pytest.mark.parametrize(("rows", "messages"), [(10_000, 100_000), (3, 100_000), (10_000, 17), (1, 1)])
async def test_rows_are_those_of_a_projector_however_seldom_they_are_written(
    projector: Projector, reader: Database, monkeypatch: pytest.MonkeyPatch, rows: int, messages: int
) -> None:
    monkeypatch.setattr(unshared, "ROWS", rows)
    monkeypatch.setattr(unshared, "MESSAGES", messages)
    dice = random.Random(messages)
    streams = [[filled(p, n, f"k{dice.randint(0, 9)}", dice.randint(14, 99)) for n in range(1, 61)] for p in range(3)]
    await projector.take([run(*stream) for stream in streams])
    wanted = await dumped(reader)
    await reader.execute("DELETE FROM popular; DELETE FROM checkpoints")
    one = await begun(reader)
    while any(streams):
        stream = dice.choice([stream for stream in streams if stream])
        count = dice.randint(1, 9)
        await one.take([run(*stream[:count])])
        del stream[:count]
        assert len(one._rows) <= rows
    await one.write()
    assert await dumped(reader) == wanted
    assert await numbers(reader) == [60, 60, 60]


async def test_nothing_is_written_before_enough_has_gathered(reader: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unshared, "MESSAGES", 3)
    one = await begun(reader)
    await one.take([run(filled(0, 1, "a", 1), filled(0, 2, "a", 1))])
    assert (await dumped(reader), await numbers(reader)) == (b"", [0, 0, 0])
    await one.take([run(filled(1, 1, "a", 1))])
    assert await numbers(reader) == [2, 1, 0]
    assert (await row(reader, "all"))["seen"] == {"jars:0:e": 2, "jars:1:e": 1}


async def test_messages_that_nobody_listens_to_move_the_checkpoint(reader: Database) -> None:
    one = await begun(reader)
    await one.take([run(message(0, 1, "a", b"?", "jars.SweetsTaken.v1"))])
    await one.write()
    assert (await dumped(reader), await numbers(reader)) == (b"", [1, 0, 0])


def broken(number: int) -> Broken:
    return Broken("t", 0, number - 1, "e", number, "a", "jars.SweetsTaken.v1", b"{}", (), "KeyError: 'ce_time'")


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (broken(2), "KeyError"),
        (message(0, 2, "a", b"\xff"), "Undecodable"),
        (message(0, 2, "a", b"{}", "jars.Unknown.v1"), "UnknownType"),
        (filled(0, 2, "a", popular.UNLUCKY), "13 sweets"),
        (filled(0, 2, "a", 666), "UntranslatableCharacterError"),
    ],
)
async def test_what_is_to_be_parked_is_not_taken_and_nothing_behind_the_last_write_is_either(
    reader: Database, item: Item, error: str
) -> None:
    one = await begun(reader)
    await one.take([run(filled(1, 1, "c", 1))])
    await one.write()
    before = await dumped(reader)
    with pytest.raises(Untaken, match=error):
        await _taken(one, run(filled(0, 1, "b", 1), item, filled(0, 3, "b", 1)))
    assert (await dumped(reader), await numbers(reader)) == (before, [0, 1, 0])


async def _taken(one: Unshared, messages: Run) -> None:
    await one.take([messages])
    await one.write()


async def test_an_evolve_that_returns_something_else_is_not_taken(
    reader: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(popular, "evolve", lambda *_: {})
    with pytest.raises(Untaken, match="TypeError: evolve returned dict"):
        await (await begun(reader)).take([run(filled(0, 1, "a", 1))])


async def test_a_key_that_is_named_twice_is_folded_once(reader: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(popular, "keys", lambda event: (event.jar_id, "all", event.jar_id))
    one = await begun(reader)
    await one.take([run(filled(0, 1, "a", 5))])
    await one.write()
    assert (await row(reader, "a"))["sweets"] == 5


async def test_whoever_finds_the_checkpoints_moved_writes_nothing(reader: Database) -> None:
    one, other = await begun(reader), await begun(reader)
    for each in (one, other):
        await each.take([run(filled(0, 1, "a", 5))])
    await one.write()
    before = await dumped(reader)
    with pytest.raises(Overtaken):
        await other.write()
    assert await dumped(reader) == before
