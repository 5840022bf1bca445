"""Fresh databases for tests: copies of a migrated template, made in some tens of milliseconds."""

import asyncio
import itertools
import secrets
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg

from deploy.local import databases, verbs
from deploy.local.databases import OWNER_LIMITS, SERVING_LIMITS
from deploy.local.infra import Infra

T = TypeVar("T")


@dataclass(frozen=True)
class FreshDatabase:
    """A database of one test: `url` is for the serving role, `owner_url` for the one that migrates."""

    name: str
    role: str
    url: str
    owner_url: str


def off_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end whether or not the caller has a running event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class Databases:
    """Makes fresh databases out of templates, and drops them."""

    def __init__(self, infra: Infra, run_name: str) -> None:
        self._admin_url = infra.postgres_admin_url
        self._kafka = infra.kafka
        self._run = run_name
        self._password = secrets.token_urlsafe(16)
        self._templates: dict[str, FreshDatabase] = {}
        self._numbers = itertools.count(1)

    def fresh(self, service: str, fill: Callable[[FreshDatabase], None]) -> FreshDatabase:
        """Return a copy of the template of `service`, which `fill` migrates the first time."""
        if service not in self._templates:
            template = self._database(service, f"{self._run}_{service}")
            off_loop(self._create_template(template))
            fill(template)
            self._templates[service] = template
        template = self._templates[service]
        copy = self._database(service, f"{template.name}_{next(self._numbers)}")
        off_loop(self._copy(template, copy))
        return copy

    def drop_all(self) -> None:
        """Remove every database and role of this run."""
        off_loop(_drop_all(self._admin_url, self._run))

    def drop(self, database: FreshDatabase) -> None:
        off_loop(_as_admin(self._admin_url, f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)"))

    def migrate(self, service: str) -> Callable[[FreshDatabase], None]:
        """Return what fills the template of a service: its own migrations, run as an operator runs them."""

        def run(database: FreshDatabase) -> None:
            settings = {
                "DATABASE_URL": database.url,
                "MIGRATION_DATABASE_URL": database.owner_url,
                "KAFKA_BOOTSTRAP": self._kafka,
                "TOPIC_PREFIX": self._run,
                "SERVICE_SECRET": secrets.token_urlsafe(16),
                "DIGEST_SECRET": secrets.token_urlsafe(16),
                "SIGNING_SECRET": secrets.token_urlsafe(32),
            }
            verbs.server()  # in this thread, which will outlive it
            status, said = off_loop(verbs.operate(service, settings, "migrate"))
            assert status == 0, f"the migrations of {service} failed:\n{said}"

        return run

    def _database(self, service: str, name: str) -> FreshDatabase:
        role = f"{self._run}_{service}"
        url = databases.address(self._admin_url, role, self._password, name)
        owner_url = databases.address(self._admin_url, f"{role}_owner", self._password, name)
        return FreshDatabase(name, role, url, owner_url)

    async def _create_template(self, template: FreshDatabase) -> None:
        connection = await asyncpg.connect(self._admin_url)
        try:
            await databases.ensure_role(connection, template.role, self._password, SERVING_LIMITS)
            await databases.ensure_role(connection, f"{template.role}_owner", self._password, OWNER_LIMITS)
            await databases.ensure_database(connection, template.name, f"{template.role}_owner", template.role)
        finally:
            await connection.close()

    async def _copy(self, template: FreshDatabase, copy: FreshDatabase) -> None:
        connection = await asyncpg.connect(self._admin_url)
        try:
            await connection.execute(
                f"CREATE DATABASE {copy.name} TEMPLATE {template.name} OWNER {template.role}_owner STRATEGY file_copy"
            )
            await databases.restrict(connection, copy.name, copy.role)
        finally:
            await connection.close()
        await _new_epoch(copy)


async def _new_epoch(copy: FreshDatabase) -> None:
    """A store's epoch is its own; a copy would share it with all other copies."""
    connection = await asyncpg.connect(copy.owner_url)
    try:
        if await connection.fetchval("SELECT to_regclass('head')"):
            await connection.execute("UPDATE head SET epoch = uuidv7()::text")
    finally:
        await connection.close()


async def _as_admin(admin_url: str, *statements: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _drop_all(admin_url: str, run_name: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        for row in await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE $1", f"{run_name}%"):
            await connection.execute(f"DROP DATABASE {row['datname']} WITH (FORCE)")
        for row in await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname LIKE $1", f"{run_name}%"):
            await connection.execute(f"DROP ROLE {row['rolname']}")
    finally:
        await connection.close()
