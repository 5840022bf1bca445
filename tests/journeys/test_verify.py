"""`verify` says that all is well after a journey, and where it is not once a byte has changed or a tail is gone."""

import asyncpg
import pytest

from deploy.local.fresh import off_loop
from deploy.local.journey import Journey
from deploy.local.verify import verify_all
from services.payments.queries import LedgerWrong, balanced
from shared.eventstore import chain
from shared.eventstore.chain import BrokenChain
from shared.eventstore.database import Database
from shared.kernel.ids import new_id
from shared.messaging.audit import Unequal, audit
from shared.messaging.topics import topic_name
from shared.testing.infra import FreshDatabase
from tests.conftest import PATIENCE_SECONDS, Platform, run_verb


async def copy(platform: Platform, service: str, to: FreshDatabase) -> None:
    """Copy a service's log, its head and nothing else into an empty store."""
    source, target = await platform.connect(service), await asyncpg.connect(to.owner_url)
    try:
        await target.execute("TRUNCATE events, head")
        for table in ("events", "head"):
            rows = await source.fetch(f"SELECT * FROM {table}")
            await target.copy_records_to_table(table, records=[tuple(row) for row in rows])
    finally:
        await source.close()
        await target.close()


@pytest.fixture(scope="module")
def journey(platform: Platform) -> Journey:
    """A journey that has been made: there is something to verify."""
    state = platform.state
    made = Journey(platform.gateway, state.admin_email, state.admin_password, patience=PATIENCE_SECONDS)
    off_loop(made.run())
    return made


async def test_all_is_as_it_was_published(journey: Journey, platform: Platform) -> None:
    assert await verify_all(platform.state)


async def test_one_changed_byte_in_a_copy_is_named(
    journey: Journey, platform: Platform, store_database: FreshDatabase
) -> None:
    await copy(platform, "payments", store_database)
    connection = await asyncpg.connect(store_database.owner_url)
    try:
        last = (await chain.verify(connection)).events
        changed = "regexp_replace(payload::text, '([0-9])', '\\1\\1')::json"
        bad = await connection.fetchval(
            f"UPDATE events SET payload = {changed} WHERE position = $1 RETURNING position", last - 3
        )
        with pytest.raises(BrokenChain) as broken:
            await chain.verify(connection)
        assert broken.value.position == bad
    finally:
        await connection.close()


async def test_a_cut_tail_is_named_even_where_the_head_was_cut_with_it(
    journey: Journey, platform: Platform, store_database: FreshDatabase
) -> None:
    await copy(platform, "adrequests", store_database)
    connection = await asyncpg.connect(store_database.owner_url)
    database = await Database.open(store_database.owner_url)
    topic = topic_name(platform.state.topic_prefix, "adrequests")
    try:
        await audit(database, platform.state.kafka, topic, "adrequests")
        last = await connection.fetchrow(
            "SELECT position, partition, number FROM events WHERE number IS NOT NULL ORDER BY position DESC LIMIT 1"
        )
        assert last is not None
        await connection.execute("DELETE FROM events WHERE position >= $1", last["position"])
        with pytest.raises(BrokenChain) as broken:
            await chain.verify(connection)
        assert broken.value.position == last["position"]
        await connection.execute(
            "UPDATE head SET position = e.position, hash = e.hash, numbers[$1] = $2 - 1"
            " FROM (SELECT position, hash FROM events ORDER BY position DESC LIMIT 1) e",
            last["partition"] + 1,
            last["number"],
        )
        await chain.verify(connection)  # the store alone cannot know
        with pytest.raises(Unequal) as unequal:
            await audit(database, platform.state.kafka, topic, "adrequests")
        assert (unequal.value.partition, unequal.value.number) == (last["partition"], last["number"])
    finally:
        await connection.close()
        await database.close()


async def test_a_posting_without_its_counterpart_is_named(
    journey: Journey, platform: Platform, store_database: FreshDatabase
) -> None:
    await copy(platform, "payments", store_database)
    database = await Database.open(store_database.owner_url)
    try:
        assert "debits equal credits" in await balanced(database)
        bad = await database.fetchrow(
            "DELETE FROM events WHERE position = (SELECT max(position) FROM events WHERE type = 'payments.Credited.v1')"
            " RETURNING payload ->> 'transfer_id' AS transfer"
        )
        assert bad is not None
        with pytest.raises(LedgerWrong, match=bad["transfer"]):
            await balanced(database)
    finally:
        await database.close()


async def test_a_changed_row_of_a_read_model_is_named(journey: Journey, platform: Platform) -> None:
    deal = journey.ids["deal"]
    connection = await platform.connect("gateway")
    before = await connection.fetchval("SELECT row::text FROM deals WHERE key = $1", deal)
    try:
        changed = "jsonb_set(row, '{state}', '\"cancelled\"')"
        await connection.execute(f"UPDATE deals SET row = {changed} WHERE key = $1", deal)
        status, said = await run_verb(platform, "gateway", "verify")
        assert status == 1
        assert "deals" in said
        assert deal in said
    finally:
        await connection.execute("UPDATE deals SET row = $2::text::jsonb WHERE key = $1", deal, before)
        await connection.close()
    status, said = await run_verb(platform, "gateway", "verify")
    assert status == 0, said


@pytest.mark.parametrize("service", ["gateway", "adrequests"])
async def test_nobody_goes_on_with_a_service_that_there_is_not(platform: Platform, service: str) -> None:
    status, said = await run_verb(platform, service, "adopt", "nobody", new_id(), "0,0,0,0,0,0")
    assert status == 1
    assert "nobody is none of adrequests, campaigns" in said
