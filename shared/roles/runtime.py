"""Opening and closing what every process of a deciding service needs: database, appender, store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.contracts.catalogue import MESSAGES
from shared.eventstore.append import Appender
from shared.eventstore.codec import Codec
from shared.eventstore.database import Database
from shared.eventstore.execute import Store
from shared.roles.definition import Definition, Runtime
from shared.web.commands import refuse
from shared.web.settings import Settings


@asynccontextmanager
async def open_runtime(definition: Definition, settings: Settings) -> AsyncIterator[Runtime]:
    """Connect when first needed: a process starts, and recovers, without its database."""
    database = await Database.open(settings.need("database_url"))
    appender = Appender(database, definition.name)
    events = Codec(*definition.registries, upcasters=definition.upcasters)
    store = Store(database, appender, events, Codec(MESSAGES), definition.publish, refuse)
    await appender.start()
    try:
        yield Runtime(definition.name, settings, database, store, definition.handlers(settings))
    finally:
        await appender.stop()
        await database.close()
