"""One whole platform for all journeys of a run: `make run` itself, in a folder of its own, on the run's servers."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from deploy.local import ports
from deploy.local.client import Client
from deploy.local.infra import Infra
from deploy.local.paths import ROOT
from deploy.local.running import Running
from deploy.local.verbs import operate
from shared.kernel.ids import new_id
from shared.kernel.record import record

PATIENCE_SECONDS = (
    60.0  # until something is seen; a busy machine is slow, and slowness is not what these tests are about
)


@record
class Platform:
    """A running platform; `folder` is what it has instead of .local."""

    state: Running
    folder: Path
    infra: Infra

    @property
    def gateway(self) -> str:
        """The gateway's address."""
        return self.state.gateway_url

    def pid(self, name: str) -> int:
        """Return the process id of `<service>-<role>` at this moment."""
        return int(json.loads((self.folder / "run" / f"{name}.pid").read_text())["pid"])

    def environment(self, service: str) -> dict[str, str]:
        """Return the environment of a service's verbs."""
        return {**self.state.settings[service], "SPONSIO_LOCAL": str(self.folder)}

    async def connect(self, service: str) -> "asyncpg.Connection[asyncpg.Record]":
        """Open a connection to a service's database as the server's administrator."""
        address = self.infra.postgres_admin_url.rpartition("/")[0]
        return await asyncpg.connect(f"{address}/sponsio_{service}")


@pytest.fixture(scope="session")
def platform(infra: Infra, tmp_path_factory: pytest.TempPathFactory, run_name: str) -> Iterator[Platform]:
    """The platform, ready, with its first administrator and nobody else."""
    folder = tmp_path_factory.mktemp("platform")
    settings = os.environ | {
        "PYTHONPATH": str(ROOT),
        "SPONSIO_LOCAL": str(folder),
        "GATEWAY_PORT": str(ports.any_free()),
        "KAFKA_BOOTSTRAP": infra.kafka,
        "POSTGRES_ADMIN_URL": infra.postgres_admin_url,
        "TOPIC_PREFIX": f"{run_name}-platform",
        "SEED": "none",
        "RATE_LIMIT_ANONYMOUS_PER_SECOND": "1000",  # all these people come from one address
        "RATE_LIMIT_ANONYMOUS_BURST": "5000",
        "RATE_LIMIT_PER_SECOND": "1000",
        "RATE_LIMIT_BURST": "5000",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.local.platform"],
        cwd=ROOT,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line == "ready\n":
            break
    assert said[-1] == "ready\n", "".join(said)
    yield Platform(Running(**json.loads((folder / "running.json").read_text())), folder, infra)
    process.send_signal(signal.SIGTERM)
    rest = process.stdout.read()
    assert process.wait() == 0, rest


@pytest.fixture
async def nobody(platform: Platform) -> AsyncIterator[Client]:
    """Somebody in front of the gateway who has not signed in; `nobody.other()` makes more."""
    connector = aiohttp.TCPConnector(limit=128)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield Client(session, platform.gateway)


@pytest.fixture
async def admin(platform: Platform, nobody: Client) -> Client:
    """The first administrator, signed in."""
    return await nobody.other().sign_in(platform.state.admin_email, platform.state.admin_password)


async def run_verb(platform: Platform, service: str, *verb: str) -> tuple[int, str]:
    """Run an operator's verb of a service and return its status and all that it printed."""
    return await operate(service, platform.environment(service), *verb)


def somebody(role: str) -> dict[str, str]:
    """Return the registration of a person who has never been here."""
    return {
        "role": role,
        "name": "Kim Test",
        "email": f"{new_id()}@test.example",
        "password": "a long enough passphrase",
    }
