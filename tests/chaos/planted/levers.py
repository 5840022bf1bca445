"""Levers on a running platform, which make rare moments certain: locks that are held, connections that are hung up
on, and second replicas. Nothing of it needs a switch in the product."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg

from deploy.local import ports, process
from deploy.local.databases import restrict
from deploy.local.paths import ROOT
from deploy.local.platform import ask
from deploy.local.process import Child
from deploy.local.running import Running
from tests.chaos.checks import Broken

LOCK_PATIENCE = 120.0  # seconds until somebody waits for a lock
READY_PATIENCE = 300.0  # seconds until a replica is ready

WAITING = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"""

READ_SINCE = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND state = 'idle' AND query LIKE $1 AND query_start > $2"""

#: Whoever inserts a row waits for one lock: a statement that could insert and does not is not held up, as it would be
#: by a lock of the table.
OBSTACLE = """
CREATE OR REPLACE FUNCTION obstacle() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END';
CREATE OR REPLACE TRIGGER obstacle BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION obstacle()"""


class Held:
    """A lock in one database; whoever waits for it can be counted, and hung up on."""

    def __init__(self, holder: asyncpg.Connection, watcher: asyncpg.Connection, since: datetime) -> None:
        self._holder, self._watcher, self._since = holder, watcher, since

    async def waiting(self) -> list[int]:
        """Return the sessions that wait."""
        return [row["pid"] for row in await self._watcher.fetch(WAITING)]

    async def until_waiting(self, count: int) -> None:
        """Wait until so many sessions wait. Raises Broken: the scenario shows nothing then."""
        until = time.monotonic() + LOCK_PATIENCE
        while len(await self.waiting()) < count:
            if time.monotonic() > until:
                raise Broken("scenario", f"no {count} sessions wait after {LOCK_PATIENCE:.0f} s")
            await asyncio.sleep(0.02)

    async def until_read(self, table: str, seconds: float) -> None:
        """Wait until somebody who does not wait has read a table since the lock is held, or so many seconds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not await self._watcher.fetchval(READ_SINCE, f"%{table}%", self._since):
            await asyncio.sleep(0.05)

    async def hang_up(self) -> int:
        """End the sessions that wait, as a server does that is shut down; returns how many."""
        waiting = await self.waiting()
        for pid in waiting:
            await self._watcher.execute("SELECT pg_terminate_backend($1)", pid)
        return len(waiting)

    async def let_go(self) -> None:
        """Give the lock back; repeating does nothing."""
        await self._holder.close()


@asynccontextmanager
async def inserts_held(state: Running, service: str, table: str) -> AsyncIterator[Held]:
    """Hold up whoever inserts a row into a table, at most until the end of the block."""
    connection = await asyncpg.connect(_address(state, service))
    try:
        await connection.execute(OBSTACLE.format(table=table))
    finally:
        await connection.close()
    async with held(state, service, "SELECT pg_advisory_xact_lock(1)") as obstacle:
        yield obstacle


@asynccontextmanager
async def held(state: Running, service: str, sql: str) -> AsyncIterator[Held]:
    """Hold what `sql` locks in a service's database, at most until the end of the block."""
    url = _address(state, service)
    holder, watcher = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        await holder.execute("BEGIN")
        await holder.execute(sql)
        yield Held(holder, watcher, await watcher.fetchval("SELECT clock_timestamp()"))
    finally:
        await holder.close()
        await watcher.close()


def _address(state: Running, service: str) -> str:
    return state.postgres_admin_url.rpartition("/")[0] + f"/sponsio_{service}"


@dataclass
class Backup:
    """A copy of a service's database."""

    admin: asyncpg.Connection
    name: str
    copy: str
    owner: str
    serving: str

    async def restore(self) -> None:
        """Put the copy in the place of the database, whose users are hung up on."""
        async with shut(self.admin, self.name):
            await self.admin.execute(f"DROP DATABASE {self.name} WITH (FORCE)")
            await self.admin.execute(f"CREATE DATABASE {self.name} OWNER {self.owner} TEMPLATE {self.copy}")
            await restrict(self.admin, self.name, self.serving)


@asynccontextmanager
async def backup(state: Running, service: str) -> AsyncIterator[Backup]:
    """Copy a service's database, as it is; the copy goes with the end of the block."""
    settings = state.settings[service]
    owner, serving = (urlsplit(settings[url]).username for url in ("MIGRATION_DATABASE_URL", "DATABASE_URL"))
    name = f"sponsio_{service}"
    admin = await asyncpg.connect(state.postgres_admin_url)
    made = Backup(admin, name, f"{name}_copy", str(owner), str(serving))
    try:
        async with shut(admin, name):
            await admin.execute(f"CREATE DATABASE {made.copy} OWNER {owner} TEMPLATE {name}")
        yield made
    finally:
        await admin.execute(f"DROP DATABASE IF EXISTS {made.copy} WITH (FORCE)")
        await admin.close()


@asynccontextmanager
async def shut(admin: asyncpg.Connection, name: str) -> AsyncIterator[None]:
    """Let nobody into a database until the end of the block, and hang up on those who are in it."""
    await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await admin.execute("SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = $1", name)
    try:
        yield
    finally:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


@asynccontextmanager
async def replica(state: Running, folder: Path, service: str, role: str) -> AsyncIterator[str]:
    """Run one more process of a role until the end of the block; gives its address once it is ready."""
    port = ports.any_free()
    setting = "HTTP_PORT" if role == "api" else "WORKER_PORT"
    name = f"{service}-{role}-2"
    log = folder / "logs" / f"{name}.log"
    child = process.launch(
        name,
        [sys.executable, "-m", f"services.{service}.main", role],
        log=log,
        pid_file=folder / "run" / f"{name}.pid",
        folder=ROOT,
        environment={**state.settings[service], setting: str(port), "PATH": os.environ.get("PATH", "")},
    )
    try:
        address = f"http://{ports.LOOPBACK}:{port}"
        await _ready(child, f"{address}/readyz", log)
        yield address
    finally:
        await asyncio.to_thread(child.stop)


async def _ready(child: Child, url: str, log: Path) -> None:
    until = time.monotonic() + READY_PATIENCE
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
        while await ask(session, url) != "200":
            if not child.alive() or time.monotonic() > until:
                raise Broken("scenario", f"{child.name} does not become ready:\n{process.tail(log)}")
            await asyncio.sleep(0.1)
