"""Databases, roles, migrations and topics: everything that must exist before the first process starts. Idempotent."""

import asyncio

import asyncpg

from deploy.local import databases
from deploy.local.databases import OWNER_LIMITS, SERVING_LIMITS
from deploy.local.forkserver import ForkServer
from deploy.local.plan import PRODUCERS, SERVICES, Plan
from deploy.local.trouble import Trouble
from shared.messaging.topics import WrongTopic, create_topics


async def make_databases(plan: Plan) -> None:
    """Bring PostgreSQL to what the services expect of it. Raises Trouble."""
    await ensure_databases(plan)
    for service in SERVICES:
        await asyncio.to_thread(migrate, plan, service)


async def make_topics(plan: Plan) -> None:
    """Bring Kafka to what the services expect of it. Raises Trouble."""
    try:
        await create_topics(plan.infra.kafka, plan.topic_prefix, PRODUCERS)
    except WrongTopic as error:
        raise Trouble(str(error)) from error


def migrate(plan: Plan, service: str) -> None:
    """Do what the service's own `migrate` does, here: a Python for each would take longer than all migrations."""
    from shared.eventstore.migrate import run_migrations

    try:
        run_migrations(service, plan.database_url(service, owner=True), f"sponsio_{service}")
    except Exception as error:
        raise Trouble(f"the migrations of {service} failed: {type(error).__name__}: {error}") from error


async def ensure_databases(plan: Plan) -> None:
    """Create the database and the two roles of each service where they are missing."""
    connection = await asyncpg.connect(plan.infra.postgres_admin_url)
    try:
        for service in SERVICES:
            serving, owner = f"sponsio_{service}", f"sponsio_{service}_owner"
            await databases.ensure_role(connection, serving, plan.secrets.get(f"{serving}.password"), SERVING_LIMITS)
            await databases.ensure_role(connection, owner, plan.secrets.get(f"{owner}.password"), OWNER_LIMITS)
            await databases.ensure_database(connection, serving, owner, serving)
    finally:
        await connection.close()


async def run(forks: ForkServer, *module: str, settings: dict[str, str]) -> str:
    """Run a module with its arguments to its end and return what it printed; Trouble with its output where it fails."""
    status, said = await forks.run(*module, settings=settings)
    if status != 0:
        raise Trouble(f"`{' '.join(module)}` failed:\n{said}")
    return said
