"""A store of its own for each test, on real PostgreSQL."""

from collections.abc import AsyncIterator

import orjson
import pytest

from shared.eventstore.append import Appender
from shared.eventstore.codec import Codec
from shared.eventstore.database import Database
from shared.eventstore.entry import Answer
from shared.eventstore.execute import Store
from shared.eventstore.tests import jar
from shared.kernel.rejected import Rejected
from shared.testing.infra import FreshDatabase


def refuse(rejected: Rejected) -> Answer:
    return Answer(409, orjson.dumps({"code": rejected.code}))


def new_store(database: Database) -> Store:
    appender = Appender(database, "jars")
    codec = Codec(jar.EVENTS)
    return Store(database, appender, codec, codec, jar.publish, refuse)


@pytest.fixture
async def store(store_database: FreshDatabase) -> AsyncIterator[Store]:
    database = await Database.open(store_database.url)
    store = new_store(database)
    await store.appender.start()
    yield store
    await store.appender.stop()
    await database.close()


@pytest.fixture
async def owner(store_database: FreshDatabase) -> AsyncIterator[Database]:
    database = await Database.open(store_database.owner_url, size=2)
    yield database
    await database.close()
