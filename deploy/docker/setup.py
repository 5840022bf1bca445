"""The one-shot steps of docker-compose.yml: `secrets` before anything else, `setup` once Kafka and PostgreSQL are up.

Every secret is made on the first start and kept in volumes: one that only `setup` mounts, which holds all of them, and
one for each service, which holds what its processes are told. `admin` prints how the first administrator signs in.
"""

import asyncio
import os
import secrets
import sys
from pathlib import Path

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local import databases
from deploy.local.databases import OWNER_LIMITS, SERVING_LIMITS
from shared.contracts.catalogue import PRODUCERS
from shared.messaging.topics import create_topics

VOLUMES = Path("/secrets")
POSTGRES = "postgres:5432"
SERVICES = (*PRODUCERS, "gateway")
PATIENCE = 120.0  # seconds until Kafka serves
AT_ONCE = 3  # migrations are mostly the start of a Python

#: What more than one service is told, and what only one is.
SHARED_SECRETS = ("SERVICE_SECRET", "DIGEST_SECRET")
OWN_SECRETS = {"identity": ("SIGNING_SECRET",)}


def secret(name: str) -> str:
    """Return the secret `name`: 32 random bytes as URL-safe text, made when first asked for."""
    return kept(VOLUMES / "setup" / name, secrets.token_urlsafe(32))


def kept(file: Path, value: str) -> str:
    """Return what a file holds; where it is missing, write `value` into it, whole or not at all."""
    if not file.exists():
        unfinished = file.with_name(f".{file.name}.unfinished")
        unfinished.write_text(value)
        unfinished.chmod(0o444)  # the volume decides who reads it: PostgreSQL runs as another user than we do
        unfinished.replace(file)
    return file.read_text()


def database_url(service: str, *, owner: bool = False) -> str:
    role = f"sponsio_{service}" + ("_owner" if owner else "")
    return f"postgresql://{role}:{secret(role)}@{POSTGRES}/sponsio_{service}"


def settings(service: str) -> dict[str, str]:
    """Return what is secret among the settings of a service's processes."""
    names = (*SHARED_SECRETS, *OWN_SECRETS.get(service, ()))
    return {"DATABASE_URL": database_url(service)} | {name: secret(name) for name in names}


def make_secrets() -> None:
    """Write each volume's files where they are missing."""
    kept(VOLUMES / "postgres" / "POSTGRES_PASSWORD", secret("POSTGRES_PASSWORD"))
    for service in SERVICES:
        for name, value in settings(service).items():
            kept(VOLUMES / service / name, value)


def administrator() -> dict[str, str]:
    """Return the settings of the first administrator: the environment's, else an address of ours and a secret."""
    return {
        "ADMIN_EMAIL": os.environ.get("ADMIN_EMAIL") or "admin@sponsio.example",
        "ADMIN_PASSWORD": os.environ.get("ADMIN_PASSWORD") or secret("ADMIN_PASSWORD"),
    }


async def set_up() -> None:
    """Databases, roles, topics, migrations and the first administrator; all of it may be repeated."""
    await make_databases()
    await make_topics()
    places = asyncio.Semaphore(AT_ONCE)

    async def migrate(service: str) -> None:
        async with places:
            await run(service, "migrate", {"MIGRATION_DATABASE_URL": database_url(service, owner=True)})

    await asyncio.gather(*map(migrate, SERVICES))
    await run("identity", "bootstrap", administrator())


async def make_databases() -> None:
    connection = await asyncpg.connect(f"postgresql://postgres:{secret('POSTGRES_PASSWORD')}@{POSTGRES}/postgres")
    try:
        for service in SERVICES:
            serving, owner = f"sponsio_{service}", f"sponsio_{service}_owner"
            await databases.ensure_role(connection, serving, secret(serving), SERVING_LIMITS)
            await databases.ensure_role(connection, owner, secret(owner), OWNER_LIMITS)
            await databases.ensure_database(connection, serving, owner, serving)
    finally:
        await connection.close()


async def make_topics() -> None:
    """Create the topics once Kafka serves: a broker that takes connections may still be joining its own cluster."""
    kafka, prefix = os.environ["KAFKA_BOOTSTRAP"], os.environ.get("TOPIC_PREFIX", "sponsio")
    async with asyncio.timeout(PATIENCE):
        while not await serves(kafka):
            print("Kafka does not serve yet", flush=True)
            await asyncio.sleep(1)
    await create_topics(kafka, prefix, PRODUCERS)


async def serves(kafka: str) -> bool:
    """Tell whether the cluster has a controller and brokers that it knows of."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
        return bool(cluster["brokers"]) and cluster["controller_id"] >= 0
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()


async def run(service: str, verb: str, more: dict[str, str]) -> None:
    """Run one verb of a service to its end; what it prints is ours. Exits where it fails."""
    told = {name: os.environ[name] for name in ("PATH", "KAFKA_BOOTSTRAP", "TOPIC_PREFIX") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"services.{service}.main", verb), env=told | settings(service) | more
    )
    if await process.wait() != 0:
        raise SystemExit(f"`{verb}` of {service} failed")
    print(f"{service}: {verb} done", flush=True)


def main() -> None:
    match sys.argv[1:]:
        case ["secrets"]:
            make_secrets()
        case ["setup"]:
            asyncio.run(set_up())
        case ["admin"]:
            print("\n".join(f"{name}={value}" for name, value in administrator().items()))
        case _:
            raise SystemExit("one of: secrets, setup, admin")


if __name__ == "__main__":
    main()
