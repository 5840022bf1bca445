"""S1-21: the schema is what tables.py says, and the migrations go down and up again."""

import asyncio
from collections.abc import Callable

import asyncpg

from deploy.local.fresh import FreshDatabase
from services.identity.tables import metadata
from shared.eventstore.migrate import run_migrations
from shared.testing.schema import schema_differences


async def test_the_migrated_schema_is_what_the_tables_say(service_database: Callable[[str], FreshDatabase]) -> None:
    database = service_database("identity")
    assert await schema_differences(database.owner_url, metadata) == []
    await asyncio.to_thread(run_migrations, "identity", database.owner_url, database.role, "base")
    connection = await asyncpg.connect(database.owner_url)
    left = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    assert [row["tablename"] for row in left] == ["alembic_version"]
    await asyncio.to_thread(run_migrations, "identity", database.owner_url, database.role)
    assert await schema_differences(database.owner_url, metadata) == []
