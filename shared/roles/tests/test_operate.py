"""What operators say after a restore: which epoch begins, and that a reader goes on with it."""

from collections.abc import AsyncIterator
from typing import cast

import pytest

from shared.eventstore.database import Database
from shared.eventstore.execute import Store
from shared.kernel.ids import new_id
from shared.messaging import restoring, turns
from shared.messaging.topics import create_topics
from shared.messaging.turns import Turn
from shared.roles.definition import Definition, Runtime
from shared.roles.operate import adopted, operators_verbs
from shared.testing.infra import FreshDatabase, Infra
from shared.web.settings import Settings

NUMBERS = "3,0,1,0,0,12"


@pytest.fixture
async def database(store_database: FreshDatabase) -> AsyncIterator[Database]:
    database = await Database.open(store_database.url)
    yield database
    await database.close()


async def test_a_reader_adopts_what_it_is_told(database: Database) -> None:
    epoch = new_id()
    said = await adopted("adrequests", database, "market", ["payments", epoch, NUMBERS])
    assert "goes on with payments" in said
    async with database.pool.acquire() as connection:
        assert await turns.read(connection, "market.payments.1") == (Turn(epoch, (3, 0, 1, 0, 0, 12)),)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ([], "SERVICE EPOCH NUMBERS"),
        (["payment", new_id(), NUMBERS], "payment is none of"),
        (["payments", "yesterday", NUMBERS], "UUID"),
        (["payments", new_id(), "3,0"], "one for each partition"),
    ],
)
async def test_what_cannot_be_adopted_is_named_and_changes_nothing(
    database: Database, arguments: list[str], what: str
) -> None:
    with pytest.raises(ValueError, match=what):
        await adopted("adrequests", database, "market", arguments)
    assert await database.fetchval("SELECT count(*) FROM epochs") == 0


async def test_a_store_that_lacks_nothing_begins_no_epoch(database: Database, infra: Infra, topic_prefix: str) -> None:
    await create_topics(infra.kafka, topic_prefix, ["payments"])
    settings = Settings(kafka_bootstrap=infra.kafka, topic_prefix=topic_prefix)
    runtime = Runtime("payments", settings, database, cast(Store, None), {})
    definition = Definition("payments", (), lambda _: None, lambda _: {}, lambda _: {}, (), "")
    with pytest.raises(restoring.Nothing):
        await operators_verbs(definition)["restored"](runtime, ())
