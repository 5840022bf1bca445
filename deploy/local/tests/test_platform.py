"""What `make run` does around the services: waiting, restarting, stopping, and saying what is wrong."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import aiohttp
import psutil
import pytest

from deploy.local import infra as decision
from deploy.local import platform, ports, process, running
from deploy.local.infra import Infra
from deploy.local.paths import ROOT
from deploy.local.plan import Plan, Secrets, Unit, units
from deploy.local.platform import Platform, ask
from deploy.local.process import Child
from deploy.local.trouble import Trouble

STAND_IN = Path(__file__).with_name("stand_in.py")


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(running, "LOCK", tmp_path / "run")


def make_plan(tmp_path: Path) -> Plan:
    two = [Unit("payments", "api", ports.any_free()), Unit("payments", "worker", ports.any_free())]
    plan = Plan(Infra("none", "k:1", "postgresql://a:b@c:1/postgres"), Secrets(tmp_path / "secrets"), "t", two, {})
    object.__setattr__(plan, "url", lambda service: f"http://{service}")
    return plan


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str], Platform]]:
    made: list[Platform] = []

    def make_one(crash: str) -> Platform:
        def start(unit: Unit) -> Child:
            return process.launch(
                unit.name,
                [sys.executable, STAND_IN, str(unit.port), crash if unit.role == "worker" else ""],
                log=tmp_path / "logs" / f"{unit.name}.log",
                pid_file=tmp_path / "run" / f"{unit.name}.pid",
                folder=ROOT,
            )

        made.append(Platform(make_plan(tmp_path), start))
        return made[-1]

    yield make_one
    for each in made:
        each.stop()


async def test_a_killed_process_comes_back(make: Callable[[str], Platform]) -> None:
    whole = make("")
    await whole.start()
    watching = asyncio.create_task(whole.watch())
    worker = whole.watched[1]
    first = worker.child.pid
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while worker.child.pid == first or await ask(session, whole.plan.units[1].ready_url) != "200":
            await asyncio.sleep(0.05)
    watching.cancel()
    whole.stop()
    assert not any(psutil.pid_exists(each.child.pid) for each in whole.watched)


async def test_a_process_that_ends_while_starting_is_named_with_its_log(make: Callable[[str], Platform]) -> None:
    with pytest.raises(Trouble, match=r"(?s)payments-worker ended with status 1 while starting.*no such setting"):
        await make("no such setting").start()


async def test_a_process_that_never_becomes_ready_is_named(
    make: Callable[[str], Platform], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "PATIENCE", 0.0)
    monkeypatch.setattr(platform, "ask", lambda session, url: asyncio.sleep(0, "no answer"))
    with pytest.raises(Trouble, match=r"payments-api is not ready .*no answer"):
        await make("").start()


def run(tmp_path: Path, module: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours on a folder of its own."""
    settings = {"PATH": "/usr/bin:/bin", "SPONSIO_LOCAL": str(tmp_path), "PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, env=settings, capture_output=True, text=True, timeout=300
    )


def test_a_busy_port_is_one_clear_message(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind((ports.LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(tmp_path, "deploy.local.platform", GATEWAY_PORT=str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"error: port {port} is busy: another program listens on it. Choose another one with GATEWAY_PORT=<port>.\n"
    )
    assert not (tmp_path / "data").exists()


def test_a_second_run_is_refused(tmp_path: Path) -> None:
    lock = decision.claim(tmp_path / "run")
    done = run(tmp_path, "deploy.local.platform", GATEWAY_PORT=str(ports.any_free()))
    assert done.returncode == 1
    assert done.stderr == f"error: Sponsio already runs from this folder (process {os.getpid()}): `make stop` ends it\n"
    refused = run(tmp_path, "deploy.local.control", "reset")
    assert refused.stderr == f"error: Sponsio runs (process {os.getpid()}): `make stop` first\n"
    lock.close()


@pytest.mark.parametrize("verb", ["status", "logs"])
def test_what_needs_a_platform_says_so(tmp_path: Path, verb: str) -> None:
    done = run(tmp_path, "deploy.local.control", verb)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_stopping_nothing_is_fine(tmp_path: Path) -> None:
    done = run(tmp_path, "deploy.local.control", "stop")
    assert (done.returncode, done.stdout) == (0, "nothing was running\n")


def test_a_service_is_told_its_own_secrets_only(tmp_path: Path) -> None:
    base = ports.any_free()
    plan = Plan(
        Infra("none", "k:1", "postgresql://admin:pw@db:5/postgres"),
        Secrets(tmp_path / "secrets"),
        "sponsio",
        units(base),
        {"POSTGRES_ADMIN_URL": "postgresql://admin:pw@db:5/postgres", "LOG_LEVEL": "debug", "PATH": "/bin"},
    )
    payments, identity = plan.settings("payments"), plan.settings("identity")
    assert payments["DATABASE_URL"].startswith("postgresql://sponsio_payments:")
    assert payments["DATABASE_URL"].endswith("@db:5/sponsio_payments")
    assert payments["LOG_LEVEL"] == "debug"
    assert "SIGNING_SECRET" not in payments
    assert "SIGNING_SECRET" in identity
    for settings in (payments, identity):
        assert not {"MIGRATION_DATABASE_URL", "ADMIN_PASSWORD", "POSTGRES_ADMIN_URL"} & settings.keys()
        assert "admin:pw" not in str(settings)
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o600
    again = Secrets(tmp_path / "secrets")
    assert again.get("SERVICE_SECRET") == payments["SERVICE_SECRET"]


def test_crashes_are_followed_by_longer_and_longer_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    class Dead:
        name = "payments-api"

        class process:
            returncode = 1

        def alive(self) -> bool:
            return False

    watched = platform.Watched(Dead, Dead())  # type: ignore[arg-type]
    pauses = []
    for _ in range(8):
        watched.look()
        pauses.append(watched.pause)
        now[0] += watched.pause
        watched.look()
    assert pauses == [0.5, 1, 2, 4, 8, 15, 15, 15]


@pytest.mark.parametrize(
    ("cores", "gateway", "service"),
    [([], [], []), ([3], [], []), ([0, 1], [0], [1]), ([2, 5, 7, 8], [2], [5, 7, 8]), (range(6), [], [])],
)
def test_the_gateway_and_the_services_keep_apart_where_cores_are_few(
    cores: Sequence[int], gateway: list[int], service: list[int]
) -> None:
    assert list(Unit("gateway", "api", 1).place(cores)) == gateway
    assert list(Unit("payments", "api", 2).place(cores)) == service
    assert not Unit("payments", "worker", 3).place(cores)
    assert not Unit("gateway", "projector", 4).place(cores)
