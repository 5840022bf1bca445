"""Compares what migrations made with what a service's tables.py describes."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine


async def schema_differences(url: str, metadata: MetaData) -> list[Any]:
    """Return how the migrated tables differ from those that `tables.py` describes; the event store's are left out."""

    def compare(connection: Connection) -> list[Any]:
        def own(_: object, name: str | None, kind: str, reflected: bool, __: object) -> bool:
            return kind != "table" or name in metadata.tables

        options = {"include_object": own, "compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(compare)
    finally:
        await engine.dispose()
