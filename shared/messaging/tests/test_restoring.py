"""A store is restored from before: it goes on in another epoch, and readers go on with it when they are told."""

import pytest
from asyncpg import Record

from shared.eventstore.database import Database
from shared.eventstore.execute import Store
from shared.messaging import relay as relays
from shared.messaging import runner, turns
from shared.messaging.audit import Unequal, audit
from shared.messaging.envelope import place
from shared.messaging.relay import Relay
from shared.messaging.republishing import request_republish
from shared.messaging.restoring import Nothing, adopt, begin
from shared.messaging.runner import Runner
from shared.messaging.tests import ledger
from shared.messaging.tests.ledger import Ledger
from shared.messaging.tests.stage import Feed, records, running, until
from shared.messaging.tests.test_audit import fill
from shared.messaging.topics import PARTITIONS
from shared.messaging.turns import Turn, epoch_of, lost
from shared.testing.infra import Infra

TURNS = (Turn("a", (0, 0)), Turn("b", (9, 5)), Turn("c", (7, 8)))


def test_a_number_belongs_to_the_last_epoch_that_began_before_it() -> None:
    assert [epoch_of(TURNS, 0, number) for number in (1, 7, 8, 20)] == ["a", "a", "c", "c"]
    assert [epoch_of(TURNS, 1, number) for number in (5, 6, 8, 9)] == ["a", "b", "b", "c"]
    assert epoch_of((), 0, 3) is None


def test_what_an_epoch_has_beyond_a_later_turn_is_lost() -> None:
    assert [lost(TURNS, "a", 0, number) for number in (7, 8)] == [False, True]
    assert [lost(TURNS, "b", 1, number) for number in (8, 9)] == [False, True]
    assert not lost(TURNS, "c", 0, 100)
    assert not lost((), "a", 0, 100)


def test_a_turn_is_passed_on_as_text() -> None:
    turn = Turn("019cb82e-c9c0-73dc-a260-b2472062d9c5", (3, 0, 1, 0, 0, 12))
    assert Turn.parse(*str(turn).split(" ")) == turn
    for wrong in ("1,2", "1,2,3,4,5,-6", "1,2,3,4,5,x"):
        with pytest.raises(ValueError):
            Turn.parse(turn.epoch, wrong)
    with pytest.raises(ValueError):
        Turn.parse("yesterday", "1,2,3,4,5,6")


async def backup(owner: Database) -> Record:
    head = await owner.fetchrow("SELECT position, hash, recorded_at, numbers FROM head")
    assert head is not None
    return head


async def restore(owner: Database, head: Record) -> None:
    """Take away what came after, as a restore from a backup does."""
    await owner.execute("DELETE FROM events WHERE position > $1", head["position"])
    await owner.execute("UPDATE head SET position = $1, hash = $2, recorded_at = $3, numbers = $4", *head)


async def publish(store: Store, infra: Infra, topic: str, count: int) -> None:
    """Append, and wait until Kafka has it."""
    await fill(store, count)
    relay = Relay(store.database, "jars", topic, infra.kafka)
    async with running(relay.run()):
        await until(lambda: relay.sent == count)


@pytest.fixture
async def restored(jars: Store, owner: Database, infra: Infra, topic: str) -> Store:
    """A store of 40 messages; Kafka holds 20 more, and the store has 5 others that Kafka does not hold."""
    await publish(jars, infra, topic, 40)
    head = await backup(owner)
    await publish(jars, infra, topic, 20)
    await restore(owner, head)
    await fill(jars, 5)
    return jars


async def test_it_is_silent_until_another_epoch_begins_and_then_goes_on_behind_what_both_have(
    restored: Store, infra: Infra, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "POLL_SECONDS", 0.05)
    relay = Relay(restored.database, "jars", topic, infra.kafka)
    async with running(relay.run()):
        await until(lambda: relay.silent)
        with pytest.raises(Unequal):
            await audit(restored.database, infra.kafka, topic, "jars", patience=0)
        begun = await begin(restored.database, infra.kafka, topic)
        assert begun.lost == 20
        assert sum(begun.turn.numbers) == 40
        assert await audit(restored.database, infra.kafka, topic, "jars") == 45
        await fill(restored, 5)
        assert await audit(restored.database, infra.kafka, topic, "jars") == 50
    another = Relay(restored.database, "jars", topic, infra.kafka)
    async with running(another.run()):  # it learns from Kafka alone where to go on
        await fill(restored, 5)
        await until(lambda: another.sent == 5)
        assert await audit(restored.database, infra.kafka, topic, "jars") == 55
        told = {(raw.partition, *place(raw)) for raw in await records(infra.kafka, topic)}
        for partition in range(PARTITIONS):  # whatever is sent again is sent as it was
            await request_republish(restored.database, partition, 1)
        await until(lambda: another.sent == 5 + 55)
        assert {(raw.partition, *place(raw)) for raw in await records(infra.kafka, topic)} == told


async def test_it_may_happen_again_with_an_older_backup(jars: Store, owner: Database, infra: Infra, topic: str) -> None:
    await publish(jars, infra, topic, 20)
    oldest = await backup(owner)
    await publish(jars, infra, topic, 20)
    older = await backup(owner)
    await publish(jars, infra, topic, 20)
    for head, left in ((older, 40), (oldest, 20)):
        await restore(owner, head)
        begun = await begin(jars.database, infra.kafka, topic)
        assert sum(begun.turn.numbers) == left
        await publish(jars, infra, topic, 10)
        assert await audit(jars.database, infra.kafka, topic, "jars") == left + 10


async def test_where_nothing_is_lost_no_epoch_begins(jars: Store, infra: Infra, topic: str) -> None:
    await publish(jars, infra, topic, 10)
    await fill(jars, 5)
    epoch = await jars.database.fetchval("SELECT epoch FROM head")
    with pytest.raises(Nothing):
        await begin(jars.database, infra.kafka, topic)
    assert await jars.database.fetchval("SELECT epoch FROM head") == epoch


@pytest.fixture
async def book(reader: Database, reader_owner: Database) -> Ledger:
    await reader_owner.execute(ledger.DDL)
    return Ledger(reader)


async def send(feed: Feed, epoch: str, *numbers: int) -> None:
    for number in numbers:
        await feed.send("jars.JarFilled.v1", "k", {"jar_id": "k", "sweets": 1}, number=number, epoch=epoch, partition=0)


async def epochs_taken(book: Ledger) -> list[tuple[str, int]]:
    return [(row["epoch"], row["number"]) for row in await book.database.fetch("SELECT * FROM took ORDER BY id")]


TURN = Turn("f", (3, 0, 0, 0, 0, 0))
OLD = [("e", 1), ("e", 2), ("e", 3)]


async def test_a_reader_from_the_beginning_takes_nothing_that_is_lost(
    book: Ledger, infra: Infra, topic: str, feed: Feed
) -> None:
    assert await adopt(book.database, topic, TURN) == []
    await send(feed, "e", 1, 2, 3, 4, 5)
    await send(feed, "f", 4, 5, 6)
    async with running(Runner(book.database, infra.kafka, topic, [topic], book).run()):
        await until(lambda: _took(book, 6))
    assert await epochs_taken(book) == [*OLD, ("f", 4), ("f", 5), ("f", 6)]


@pytest.mark.parametrize("before", [2, 3, 5])
async def test_a_reader_that_runs_goes_on_when_it_is_told(
    book: Ledger, infra: Infra, topic: str, feed: Feed, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LOOK_AGAIN_SECONDS", 0.3)
    await send(feed, "e", *range(1, before + 1))
    consumer = Runner(book.database, infra.kafka, topic, [topic], book)
    async with running(consumer.run()):
        await until(lambda: _took(book, before))
        if before == 3:  # it comes to the turn before it is told of it
            await send(feed, "f", 4)
            await until(lambda: any("missing" in trouble for trouble in consumer.troubles()))
        stood = await adopt(book.database, topic, TURN)
        assert stood == ([book.consumer] if before > 3 else [])
        if before == 2:  # it has not come so far: what is lost comes after that
            await send(feed, "e", 3, 4, 5)
        await send(feed, "f", 4, 5)
        await until(lambda: _took(book, max(before, 3) + 2))
        await until(lambda: not consumer.troubles())
    taken = await epochs_taken(book)
    assert taken == [*OLD, *(("e", n) for n in range(4, before + 1)), ("f", 4), ("f", 5)]


async def _took(book: Ledger, count: int) -> bool:
    return await book.count() == count


async def test_adopting_twice_changes_nothing_and_otherwise_is_refused(book: Ledger, topic: str) -> None:
    await adopt(book.database, topic, TURN)
    assert await adopt(book.database, topic, TURN) == []
    with pytest.raises(ValueError, match="was adopted already"):
        await adopt(book.database, topic, Turn(TURN.epoch, (4, 0, 0, 0, 0, 0)))
    async with book.database.pool.acquire() as connection:
        assert await turns.read(connection, topic) == (TURN,)
