"""A store that publishes jars, a database that reads them, and the topic between them."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.fresh import Databases
from shared.eventstore.append import Appender
from shared.eventstore.codec import Codec
from shared.eventstore.database import Database
from shared.eventstore.execute import Store
from shared.eventstore.tests import jar
from shared.messaging.at_once import INSIST
from shared.messaging.projections import Projector
from shared.messaging.rows import projection_ddl
from shared.messaging.tests import popular, tally
from shared.messaging.tests.stage import Feed
from shared.messaging.topics import create_topics
from shared.testing.infra import FreshDatabase, Infra


@pytest.fixture
async def topic(infra: Infra, topic_prefix: str) -> str:
    """The topic of the service `jars`."""
    [name] = await create_topics(infra.kafka, topic_prefix, ["jars"])
    return name


@pytest.fixture
async def feed(infra: Infra, topic: str) -> AsyncIterator[Feed]:
    """Writes to the topic."""
    feed = Feed(infra.kafka, topic)
    await feed.start()
    yield feed
    await feed.stop()


@pytest.fixture
async def jars(store_database: FreshDatabase) -> AsyncIterator[Store]:
    """The store of the service `jars`, which publishes every filling."""
    database = await Database.open(store_database.url)
    codec = Codec(jar.EVENTS)
    store = Store(database, Appender(database, "jars"), codec, codec, jar.publish)
    await store.appender.start()
    yield store
    await store.appender.stop()
    await database.close()


@pytest.fixture
async def owner(store_database: FreshDatabase) -> AsyncIterator[Database]:
    """The same database, as its owner."""
    database = await Database.open(store_database.owner_url, size=4)
    yield database
    await database.close()


@pytest.fixture
def reader_database(store_database: FreshDatabase, fresh_databases: Databases) -> FreshDatabase:
    """A database of another service."""
    return fresh_databases.fresh("store", _filled)


def _filled(_: FreshDatabase) -> None:
    raise AssertionError("store_database has made the template")


@pytest.fixture
async def reader(reader_database: FreshDatabase, fresh_databases: Databases) -> AsyncIterator[Database]:
    """The reading service's database, as its serving role."""
    database = await Database.open(reader_database.url)
    yield database
    await database.close()
    fresh_databases.drop(reader_database)


@pytest.fixture
async def reader_owner(reader_database: FreshDatabase, reader: Database) -> AsyncIterator[Database]:
    """The reading service's database, as its owner."""
    database = await Database.open(reader_database.owner_url, size=4)
    yield database
    await database.close()


@pytest.fixture
async def tallies(reader: Database) -> AsyncIterator[Store]:
    """The store of the reading service."""
    store = Store(reader, Appender(reader, "tallies"), Codec(tally.EVENTS), Codec(jar.EVENTS), lambda event: None)
    await store.appender.start()
    yield store
    await store.appender.stop()


@pytest.fixture
async def projector(reader: Database, reader_owner: Database, reader_database: FreshDatabase) -> Projector:
    for sql in (INSIST, *projection_ddl("popular", reader_database.role)):
        await reader_owner.execute(sql)
    return Projector(reader, [popular], {**jar.EVENTS})
