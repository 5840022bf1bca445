"""A database and two roles per service: one owns it and migrates, one serves and may only what it was granted."""

import re

import asyncpg

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

#: Nothing waits or runs for ever: a client that went away must not hold a lock. Milliseconds.
SERVING_LIMITS = {
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "30s",
}
OWNER_LIMITS = {  # a migration may take long, but never waits long
    "statement_timeout": "15min",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "5min",
}


async def ensure_role(connection: asyncpg.Connection, name: str, password: str, limits: dict[str, str]) -> None:
    """Create the role where it is missing, and give it this password and these limits."""
    assert NAME.fullmatch(name), name
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
        await connection.execute(f"CREATE ROLE {name}")
    quoted = await connection.fetchval("SELECT quote_literal($1::text)", password)
    await connection.execute(
        f"ALTER ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {quoted}"
    )
    for setting, value in limits.items():
        await connection.execute(f"ALTER ROLE {name} SET {setting} = '{value}'")


async def ensure_database(connection: asyncpg.Connection, name: str, owner: str, serving: str) -> None:
    """Create the database where it is missing; only its two roles may enter."""
    assert NAME.fullmatch(name), name
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        # so that somebody who is no superuser, as on managed servers, may create it for another role
        await connection.execute(f"GRANT {owner} TO CURRENT_USER")
        await connection.execute(f"CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'")
    await restrict(connection, name, serving)


async def restrict(connection: asyncpg.Connection, name: str, serving: str) -> None:
    """Let nobody but the owner and the serving role into a database."""
    await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    await connection.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {serving}")


def address(admin_url: str, role: str, password: str, database: str) -> str:
    """Return the address of `database` for `role`, on the server of `admin_url`."""
    server = admin_url.split("://", 1)[1].rsplit("@", 1)[-1].split("/", 1)[0]
    return f"postgresql://{role}:{password}@{server}/{database}"
