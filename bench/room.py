"""The platform that benches ask: `make run`'s own processes in a folder that is removed afterwards, and one sponsor."""

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import psutil

from bench import server
from deploy.local import apart, ports, process, scratch
from deploy.local.client import Client
from deploy.local.journey import PASSWORD
from deploy.local.paths import ROOT
from deploy.local.process import Child
from deploy.local.running import Running
from shared.kernel.ids import new_id

FRESH_SECONDS = 240.0  # a token is good for ten minutes

#: Everything is on as in production; limits are evaluated, and nobody reaches them.
SETTINGS = {
    "SEED": "none",
    "LOG_LEVEL": "info",
    "RATE_LIMIT_PER_SECOND": "1000000",
    "RATE_LIMIT_BURST": "1000000",
    "RATE_LIMIT_ANONYMOUS_PER_SECOND": "1000000",
    "RATE_LIMIT_ANONYMOUS_BURST": "1000000",
}


@dataclass
class Room:
    """A running platform and the folder that a bench may write to."""

    folder: Path
    state: Running

    def address(self, unit: str) -> str:
        """Return host:port of a process."""
        return self.state.ready_urls[unit].removeprefix("http://").removesuffix("/readyz")

    def pid(self, unit: str) -> int:
        """Return the process id of a process of the platform."""
        found = process.find(self.folder / "run" / f"{unit}.pid")
        assert found is not None, f"{unit} does not run"
        return found.pid

    @contextmanager
    def followers_stopped(self) -> Iterator[None]:
        """Let only what answers requests run until the block ends: no relay, worker or projector."""
        stopped = [psutil.Process(self.pid(unit)) for unit in self.state.ready_urls if not unit.endswith("-api")]
        try:
            for each in stopped:
                each.suspend()
            yield
        finally:
            for each in stopped:
                each.resume()

    @contextmanager
    def python(self, name: str, port: int, *command: str, settings: Mapping[str, str] | None = None) -> Iterator[Child]:
        """Run `python -m <command>` beside the platform, from when its port is open until the block ends."""
        log = self.folder / f"{name}.log"
        child = process.launch(
            name,
            [sys.executable, "-m", *command],
            log=log,
            pid_file=self.folder / f"{name}.pid",
            folder=ROOT,
            environment={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **(settings or {})},
        )
        try:
            process.wait_until_ready(child, lambda: ports.accepts(port), log, patience=60)
            yield child
        finally:
            child.stop()


@contextmanager
def opened() -> Iterator[Room]:
    """Start the platform; nothing is left of it afterwards."""
    folder = scratch.make("bench")
    try:
        with apart.platform(folder, SETTINGS) as state:
            asyncio.run(server.seasoned(state.postgres_admin_url))
            yield Room(folder, state)
    finally:
        scratch.remove(folder)


@dataclass
class Sponsor:
    """Somebody who is signed in, with drafts of campaigns."""

    gateway: str
    email: str
    token: str = ""
    signed_in_at: float = 0.0
    drafts: tuple[str, ...] = ()

    async def arrive(self, drafts: int) -> None:
        """Register, sign in and draft so many campaigns."""
        async with aiohttp.ClientSession() as session:
            nobody = Client(session, self.gateway)
            body = {"role": "sponsor", "name": "Bench", "email": self.email, "password": PASSWORD}
            await nobody.command("/v1/accounts", body)
            client = await nobody.other().sign_in(self.email, PASSWORD)
            self.token, self.signed_in_at = client.access, time.monotonic()
            self.drafts = tuple([(await client.command("/v1/campaigns", draft()))["id"] for _ in range(drafts)])
            while (await client.read("/v1/dashboards/me")).stale:  # from now on nothing changes by itself
                await asyncio.sleep(0.1)

    async def fresh_token(self) -> str:
        """Return a token that is good for the next minutes."""
        if time.monotonic() - self.signed_in_at > FRESH_SECONDS:
            async with aiohttp.ClientSession() as session:
                self.token = (await Client(session, self.gateway).sign_in(self.email, PASSWORD)).access
            self.signed_in_at = time.monotonic()
        return self.token


def sponsor(gateway: str) -> Sponsor:
    """Return somebody new, who has yet to arrive."""
    return Sponsor(gateway, f"bench-{new_id()}@bench.example")


def draft() -> dict[str, object]:
    """Return what a campaign is drafted with."""
    today = datetime.now(UTC).date()
    return {
        "title": "Bench", "goals": "To be measured", "description": "x" * 300, "niche": "food",
        "budget_minor": 100_00, "currency": "EUR", "visibility": "public",
        "starts_on": today.isoformat(), "ends_on": (today + timedelta(days=60)).isoformat(),
    }  # fmt: skip
