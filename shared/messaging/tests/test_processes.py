"""The process runner: others' messages become own events, once; what fails is parked by key."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY

from shared.eventstore.append import Appender
from shared.eventstore.codec import Codec
from shared.eventstore.database import Database
from shared.eventstore.execute import Overtaken, Store
from shared.eventstore.handlers import Handlers, on
from shared.eventstore.tests import jar
from shared.messaging import parking
from shared.messaging.batches import Run
from shared.messaging.checkpoint import Checkpoint
from shared.messaging.envelope import Item, Received
from shared.messaging.processes import Processes
from shared.messaging.runner import Runner
from shared.messaging.tests import counting, tally
from shared.messaging.tests.stage import NOON, Feed, running, until
from shared.testing.infra import Infra

FILLED, TAKEN = "jars.JarFilled.v1", "jars.SweetsTaken.v1"
HANDLERS: Handlers = {tally.Count: on(tally, "jar_id")}
MESSAGES = {**jar.EVENTS, "jars.Unheard.v1": tally.Tally}


def appended() -> float:
    """Return how many entries this process has committed."""
    return REGISTRY.get_sample_value("sponsio_append_entries_total", {"outcome": "committed"}) or 0.0


def message(number: int, type: str, key: str, value: bytes) -> Received:
    return Received(
        "t", 0, number - 1, "e", number, number, "", f"id-{number}", type, key, "jars", NOON, 1, f"jar-{key}",
        "somebody", "the-correlation", value, reason="r", traceparent="00-a-b-01",
    )  # fmt: skip


def filled(number: int, key: str, sweets: int) -> Received:
    return message(number, FILLED, key, b'{"jar_id":"%s","sweets":%d}' % (key.encode(), sweets))


def run(after: int, *items: Item) -> Run:
    return Run("t", 0, Checkpoint("e" if after else "", after, after), items)


@pytest.fixture
def processes(tallies: Store) -> Processes:
    return Processes(tallies, [counting], HANDLERS, MESSAGES, ignored=["jars.Old.v1"])


async def counted(store: Store, key: str) -> tuple[int, ...]:
    state, _ = await store.as_of(tally, key)
    order: tuple[int, ...] = state.order
    return order


async def parked(store: Store) -> list[tuple[str, int, str]]:
    rows = await store.database.fetch("SELECT unit, number, error FROM parked ORDER BY number, unit")
    return [(r["unit"], r["number"], r["error"].partition(":")[0]) for r in rows]


async def number(store: Store) -> int:
    return int(await store.database.fetchval("SELECT number FROM checkpoints"))


async def test_a_message_becomes_an_event_with_its_cause(processes: Processes, tallies: Store) -> None:
    await processes.take([run(0, filled(1, "a", 5))])
    assert await counted(tallies, "a") == (5,)
    rows = await tallies.database.fetch("SELECT stream, metadata::text AS m FROM events ORDER BY position")
    assert [r["stream"] for r in rows] == ["counting-a", "tally-a"]
    for part in ('"actor":"system:counting"', '"correlation_id":"the-correlation"', '"causation_id":"id-1"',
                 '"on_behalf_of":"somebody"', '"reason":"r"', '"traceparent":"00-a-b-01"'):  # fmt: skip
        assert part in rows[1]["m"]


async def test_the_same_messages_again_change_nothing(processes: Processes, tallies: Store) -> None:
    again = run(0, filled(1, "a", 5), filled(2, "b", 1))
    await processes.take([again])
    with pytest.raises(Overtaken):
        await processes.take([again])
    assert (await counted(tallies, "a"), await counted(tallies, "b")) == ((5,), (1,))


async def test_messages_that_concern_nobody_are_noted_with_the_next_or_when_they_settle(
    processes: Processes, tallies: Store
) -> None:
    nothing = [message(n, TAKEN, "a", b'{"jar_id":"a","sweets":1}') for n in (1, 2)]
    unheard = [message(3, "jars.Unheard.v1", "a", b"not even json"), message(4, "jars.Old.v1", "a", b"")]
    entries = appended()
    await processes.take([run(0, *nothing, *unheard, filled(5, "a", 2), *[message(6, "jars.Old.v1", "a", b"")])])
    assert (await number(tallies), await counted(tallies, "a"), await parked(tallies)) == (5, (2,), [])
    assert appended() - entries == 1
    await processes.settle()
    assert (await number(tallies), appended() - entries) == (6, 1), "noted, and nothing appended"
    await processes.settle()
    assert (await number(tallies), appended() - entries) == (6, 1)
    await processes.take([run(6, message(7, "jars.Old.v1", "a", b""))])
    await processes.take([run(7, filled(8, "a", 3))])
    assert (await number(tallies), await counted(tallies, "a"), appended() - entries) == (8, (2, 3), 2)


async def test_what_was_passed_over_may_come_again_and_may_be_noted_by_another(
    processes: Processes, tallies: Store
) -> None:
    unheard = [message(n, "jars.Old.v1", "a", b"") for n in (1, 2)]
    await processes.take([run(0, *unheard)])
    await processes.take([run(0, *unheard, filled(3, "a", 1))])
    assert (await number(tallies), await counted(tallies, "a")) == (3, (1,))
    other = Processes(tallies, [counting], HANDLERS, MESSAGES, ignored=["jars.Old.v1"])
    await processes.take([run(3, message(4, "jars.Old.v1", "a", b""))])
    await other.take([run(3, message(4, "jars.Old.v1", "a", b""), filled(5, "a", 2))])
    with pytest.raises(Overtaken):
        await processes.settle()
    await processes.take([run(5, filled(6, "a", 4))])
    assert (await number(tallies), await counted(tallies, "a")) == (6, (1, 2, 4))


async def test_what_fails_is_parked_with_all_behind_it_and_other_keys_flow(
    processes: Processes, tallies: Store
) -> None:
    await processes.take([run(0, filled(1, "a", 1), filled(2, "a", 13), filled(3, "b", 7), filled(4, "a", 2))])
    await processes.take([run(4, filled(5, "a", 3), filled(6, "b", 8))])
    assert await counted(tallies, "a") == (1,)
    assert await counted(tallies, "b") == (7, 8)
    assert await parked(tallies) == [
        ("counting", 2, "Unlucky"),
        ("counting", 4, "waits behind another message of its key"),
        ("counting", 5, "waits behind another message of its key"),
    ]
    assert await number(tallies) == 6


async def test_a_mended_process_takes_what_was_parked_in_order(
    processes: Processes, tallies: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await processes.take([run(0, filled(1, "a", 13), filled(2, "a", 2), filled(3, "b", 13), filled(4, "b", 4))])
    await processes.replay([("t", 0)])
    assert len(await parked(tallies)) == 4
    await processes.replay([("t", 1)])

    def mended(event: jar.JarFilled, state: counting.State, at: datetime) -> Sequence[Any]:
        return [tally.Count(event.jar_id, 12 if event.sweets == 13 and event.jar_id == "a" else event.sweets)]

    monkeypatch.setattr(counting, "react", mended)
    await processes.replay([("t", 0)])
    assert await counted(tallies, "a") == (12, 2)
    assert await counted(tallies, "b") == ()
    assert [p[1] for p in await parked(tallies)] == [3, 4]
    await processes.take([run(4, filled(5, "a", 9))])
    assert await counted(tallies, "a") == (12, 2, 9)


async def test_a_parked_message_that_another_process_takes_meanwhile_is_taken_once(
    processes: Processes, tallies: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await processes.take([run(0, filled(1, "a", 13))])
    monkeypatch.setattr(counting, "react", lambda event, state, at: [tally.Count(event.jar_id, 12)])
    database = await Database.open(tallies.database.url)
    appender = Appender(database, "tallies")
    await appender.start()
    elsewhere = Store(database, appender, Codec(tally.EVENTS), Codec(jar.EVENTS), lambda event: None)
    other = Processes(elsewhere, [counting], HANDLERS, MESSAGES, ignored=["jars.Old.v1"])
    really, looks = tallies.database.fetchval, 0

    async def overtaken(sql: str, *args: Any) -> Any:
        nonlocal looks
        found = await really(sql, *args)
        if sql == parking.IS_PARKED:
            looks += 1
            if looks == 1:
                await other.replay([("t", 0)])
        return found

    monkeypatch.setattr(tallies.database, "fetchval", overtaken)
    await processes.replay([("t", 0)])
    assert looks == 2, "it has looked again"
    assert (await counted(tallies, "a"), await parked(tallies)) == ((12,), [])
    await appender.stop()
    await database.close()


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (message(1, "jars.Unknown.v9", "a", b"{}"), "UnknownType"),
        (message(1, FILLED, "a", b"\xff\xff"), "Undecodable"),
        (message(1, FILLED, "a", b'{"jar_id":7}'), "Undecodable"),
        (filled(1, "a", 13), "Unlucky"),
    ],
)
async def test_what_cannot_be_taken_is_parked(processes: Processes, tallies: Store, item: Item, error: str) -> None:
    await processes.take([run(0, item, filled(2, "b", 1))])
    assert await parked(tallies) == [("counting", 1, error)]
    assert await counted(tallies, "b") == (1,)


@pytest.mark.parametrize("part", ["route", "evolve", "react"])
async def test_failing_pure_code_is_parked(
    processes: Processes, tallies: Store, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def fails(*_: object) -> object:
        raise KeyError("a mistake")

    monkeypatch.setattr(counting, part, fails)
    await processes.take([run(0, filled(1, "a", 1))])
    assert await parked(tallies) == [("counting", 1, "KeyError")]
    assert await tallies.database.fetchval("SELECT count(*) FROM events") == 0
    monkeypatch.undo()
    await processes.replay([("t", 0)])
    assert (await counted(tallies, "a"), await parked(tallies)) == ((1,), [])


@asynccontextmanager
async def working(tallies: Store, processes: Processes, infra: Infra, topic: str) -> AsyncIterator[None]:
    async with running(Runner(tallies.database, infra.kafka, f"group-of-{topic}", [topic], processes).run()):
        yield


async def test_from_topic_to_event(processes: Processes, tallies: Store, infra: Infra, topic: str, feed: Feed) -> None:
    async with working(tallies, processes, infra, topic):
        for n in range(40):
            await feed.send(FILLED, f"k{n % 5}", {"jar_id": f"k{n % 5}", "sweets": 20 + n})
            if n % 7 == 0:
                await feed.send(FILLED, f"k{n % 5}", {"jar_id": "again", "sweets": n}, number=1)
        await until(lambda: _all_counted(tallies))


async def _all_counted(store: Store) -> bool:
    return [await counted(store, f"k{k}") for k in range(5)] == [tuple(range(20 + k, 60, 5)) for k in range(5)]
