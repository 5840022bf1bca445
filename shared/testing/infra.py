"""Fixtures: one real Kafka and one real PostgreSQL for a whole test run, with databases and topics of its own.

Where they come from is decided in deploy/local/infra.py: embedded unless the environment says otherwise.
"""

import itertools
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local import infra as decision
from deploy.local import kafka, ports, postgres
from deploy.local.fresh import Databases, FreshDatabase, off_loop
from deploy.local.infra import Infra
from deploy.local.paths import LOCAL
from deploy.local.process import Child
from deploy.local.trouble import Trouble
from shared.eventstore.migrate import event_store_ddl

RUNS = LOCAL / "tests"


def say(text: str) -> None:
    """Write past pytest's capture: where the infrastructure comes from is worth a line in every run."""
    print(text, file=sys.__stderr__, flush=True)


@pytest.fixture(scope="session")
def run_name() -> str:
    """A name that no other run has: it begins every database, role and topic of this one."""
    return "t" + secrets.token_hex(4)


@pytest.fixture(scope="session")
def infra(run_name: str) -> Iterator[Infra]:
    """Kafka (`.kafka`, host:port) and PostgreSQL (`.postgres_admin_url`) of this run; never stop them: own_kafka."""
    _forget_dead_runs()
    folder = RUNS / run_name
    running = decision.start(folder, durable=False, say=say)
    try:
        yield running
    finally:
        running.stop()
        _forget(folder)


def _forget_dead_runs() -> None:
    """Remove what killed runs have left behind; the lock of a living run cannot be had."""
    for folder in RUNS.glob("*/"):
        try:
            decision.claim(folder).close()
        except Trouble:
            continue
        _forget(folder)


def _forget(folder: Path) -> None:
    decision.stop_left_over(folder)
    postgres.remove(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def fresh_databases(infra: Infra, run_name: str) -> Iterator[Databases]:
    """What makes the databases of this run."""
    databases = Databases(infra, run_name)
    yield databases
    if not infra.children:  # a server that outlives us is left as it was
        databases.drop_all()


@pytest.fixture
def service_database(fresh_databases: Databases) -> Iterator[Callable[[str], FreshDatabase]]:
    """Return a function: service name -> fresh database with that service's migrations; dropped after the test."""
    made: list[FreshDatabase] = []

    def make(service: str) -> FreshDatabase:
        made.append(fresh_databases.fresh(service, fresh_databases.migrate(service)))
        return made[-1]

    yield make
    for database in made:
        fresh_databases.drop(database)


@pytest.fixture
def store_database(fresh_databases: Databases) -> Iterator[FreshDatabase]:
    """A fresh database with the event store alone, for the tests of shared/."""
    database = fresh_databases.fresh("store", apply_store_ddl)
    yield database
    fresh_databases.drop(database)


def apply_store_ddl(database: FreshDatabase) -> None:
    """Make the event store's tables in a database that has none."""

    async def apply() -> None:
        connection = await asyncpg.connect(database.owner_url)
        try:
            for ddl in event_store_ddl(database.role):
                await connection.execute(ddl)
        finally:
            await connection.close()

    off_loop(apply())


_topic_prefixes = itertools.count(1)


@pytest.fixture
def topic_prefix(run_name: str) -> str:
    """A prefix for the topics of one test; create them with shared.messaging.topics.create_topics."""
    return f"{run_name}-{next(_topic_prefixes)}"


class OwnKafka:
    """A broker of one test, which may kill it and start it again on the same port and data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = ports.any_free()
        self._child: Child | None = None
        self.bootstrap = f"{ports.LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Start it and wait until it serves clients."""
        self._child = kafka.start(self._folder, self._port, self._folder / "kafka.log", say)

    def kill(self) -> None:
        """End it as kill -9 does."""
        assert self._child is not None
        self._child.process.kill()
        self._child.process.wait()

    def stop(self) -> None:
        """End it in good order; repeating does nothing."""
        if self._child is not None:
            self._child.stop()


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[OwnKafka]:
    """A started broker that the test may kill; takes some seconds, so only for tests about outages."""
    if os.environ.get("KAFKA_BOOTSTRAP") or os.environ.get("INFRA", "embedded") != "embedded":
        say("own_kafka: a broker to be killed is always an embedded one")
    broker = OwnKafka(tmp_path)
    broker.start()
    yield broker
    broker.stop()


__all__ = ["FreshDatabase", "Infra", "OwnKafka"]
