"""People: fetched, shown, and forgotten for good."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from shared.eventstore.database import Database
from shared.kernel.record import record
from shared.messaging.batches import Run
from shared.messaging.checkpoint import Checkpoint
from shared.messaging.envelope import Item, Received
from shared.messaging.people import NotFetched, People, Person, people_ddl
from shared.messaging.tests.stage import NOON
from shared.testing.infra import FreshDatabase


@record
class Changed:
    account_id: str
    version: int


@record
class Erased:
    account_id: str


MESSAGES: Mapping[str, type] = {"i.Changed.v1": Changed, "i.Erased.v1": Erased}


@dataclass
class Identity:
    people: dict[str, Person] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    away: bool = False

    async def fetch(self, account_id: str, version: int) -> Person | None:
        if self.away:
            raise RuntimeError("connection refused")
        self.asked.append((account_id, version))
        return self.people.get(account_id)


@pytest.fixture
def identity() -> Identity:
    return Identity({"a": Person(2, "Ada", "Sweet.", {"instagram": "@ada"}), "b": Person(1, "Bo", "", {})})


@pytest.fixture
async def people(
    reader: Database, reader_owner: Database, reader_database: FreshDatabase, identity: Identity
) -> People:
    for sql in people_ddl(reader_database.role):
        await reader_owner.execute(sql)
    return People(reader, identity.fetch, Changed, Erased, MESSAGES)


def run(after: int, *events: Changed | Erased) -> Run:
    return Run("t", 0, Checkpoint("e" if after else "", after, after), tuple(
        item(after + n + 1, event) for n, event in enumerate(events)
    ))  # fmt: skip


def item(number: int, event: Changed | Erased) -> Item:
    type = next(name for name, kind in MESSAGES.items() if kind is event.__class__)
    fields = {"account_id": event.account_id, **({"version": event.version} if isinstance(event, Changed) else {})}
    return Received(
        "t", 0, number - 1, "e", number, number, "", str(number), type, event.account_id, "identity", NOON, 1, "",
        "somebody", "c", json.dumps(fields).encode(),
    )  # fmt: skip


async def names(reader: Database) -> dict[str, tuple[str | None, bool]]:
    return {r["account_id"]: (r["name"], r["erased"]) for r in await reader.fetch("SELECT * FROM people")}


async def test_a_person_is_fetched_once_at_the_latest_version(
    people: People, reader: Database, identity: Identity
) -> None:
    await people.take([run(0, Changed("a", 1), Changed("b", 1), Changed("a", 2))])
    assert sorted(identity.asked) == [("a", 2), ("b", 1)]
    assert await names(reader) == {"a": ("Ada", False), "b": ("Bo", False)}
    assert json.loads(await reader.fetchval("SELECT details FROM people WHERE account_id = 'a'")) == {
        "instagram": "@ada"
    }


async def test_an_older_version_never_replaces_a_newer_one(
    people: People, reader: Database, identity: Identity
) -> None:
    await people.take([run(0, Changed("a", 2))])
    identity.people["a"] = Person(1, "Adda", "", {})
    with pytest.raises(NotFetched):
        await people.take([run(1, Changed("a", 2))])
    await people.take([run(1, Changed("a", 1))])
    assert await names(reader) == {"a": ("Ada", False)}


async def test_a_late_fetch_does_not_bring_an_erased_person_back(
    people: People, reader: Database, identity: Identity
) -> None:
    await people.take([run(0, Changed("a", 2))])
    await people.take([run(1, Erased("a"), Erased("b"))])
    await people.take([run(3, Changed("a", 2), Changed("b", 1))])
    identity.people["a"] = Person(9, "Ada", "", {})
    await people.take([run(5, Changed("a", 9))])
    assert await names(reader) == {"a": (None, True), "b": (None, True)}
    assert await reader.fetchval("SELECT count(*) FROM people WHERE bio IS NOT NULL OR details <> '{}'") == 0


async def test_erased_in_the_same_batch_is_not_even_fetched(
    people: People, reader: Database, identity: Identity
) -> None:
    await people.take([run(0, Changed("a", 2), Erased("a"))])
    assert identity.asked == []
    assert await names(reader) == {"a": (None, True)}


async def test_somebody_the_owner_does_not_know_is_left_out(people: People, reader: Database) -> None:
    await people.take([run(0, Changed("nobody", 1))])
    assert await names(reader) == {}
    assert await reader.fetchval("SELECT number FROM checkpoints") == 1


async def test_an_owner_that_is_away_is_waited_for(people: People, reader: Database, identity: Identity) -> None:
    identity.away = True
    with pytest.raises(NotFetched):
        await people.take([run(0, Changed("a", 2))])
    assert await reader.fetchval("SELECT count(*) FROM checkpoints") == 0
    identity.away = False
    await people.take([run(0, Changed("a", 2))])
    assert await names(reader) == {"a": ("Ada", False)}
