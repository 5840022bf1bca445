"""A fork is what a program started by itself would be: its own process, arguments, settings, output, end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.forkserver import ForkServer
from deploy.local.paths import ROOT
from deploy.local.process import Child, find
from deploy.local.trouble import Trouble

FORKED = "deploy.local.tests.forked"
PATIENCE = 120.0


def make(folder: Path, *modules: str) -> ForkServer:
    return ForkServer(modules or (FORKED,), log=folder / "server.log", pid_file=folder / "server.pid")


@pytest.fixture
def forks(tmp_path: Path) -> Iterator[ForkServer]:
    made = make(tmp_path)
    yield made
    made.stop()


def serving(forks: ForkServer, folder: Path) -> Child:
    """Start a fork that says when it serves, and ends with status 7 when it is told to."""
    log = folder / "logs" / "serving.log"
    child = forks.start(
        "serving", FORKED, "serve", log=log, pid_file=folder / "run" / "serving.pid", environment=dict(os.environ)
    )
    until = time.monotonic() + PATIENCE
    while not log.exists() or "serving" not in log.read_text().rpartition("again")[2]:
        assert child.alive(), log.read_text()
        assert time.monotonic() < until
        time.sleep(0.02)
    log.write_text("again")
    return child


async def test_it_has_its_own_arguments_and_settings_and_what_it_prints_is_kept(forks: ForkServer) -> None:
    status, said = await forks.run(FORKED, "tell", "me", settings={"ONE": "1"})
    told = json.loads(said)
    assert (status, told["arguments"], told["environment"]) == (0, ["tell", "me"], {"ONE": "1"})
    assert told["pid"] != os.getpid()


async def test_it_fails_as_a_program_does(forks: ForkServer) -> None:
    status, said = await forks.run(FORKED, "fail", settings={})
    assert status == 1
    assert said.endswith("RuntimeError: on purpose")


async def test_no_two_forks_draw_the_same(forks: ForkServer) -> None:
    drawn = await asyncio.gather(*(forks.run(FORKED, "draw", settings={}) for _ in range(4)))
    for column in zip(*(said.split() for _, said in drawn), strict=True):
        assert len(set(column)) == 4, column


def test_one_that_serves_ends_when_it_is_told_to(forks: ForkServer, tmp_path: Path) -> None:
    child = serving(forks, tmp_path)
    found = find(child.pid_file)
    assert found is not None
    assert found.pid == child.pid
    assert os.getsid(child.pid) == child.pid  # Ctrl-C in our terminal is not meant for it
    child.stop()
    assert child.process.returncode == 7
    assert not psutil.pid_exists(child.pid)
    assert not child.pid_file.exists()


def test_a_killed_one_is_seen(forks: ForkServer, tmp_path: Path) -> None:
    child = serving(forks, tmp_path)
    os.kill(child.pid, signal.SIGKILL)
    assert child.process.wait(PATIENCE) == -signal.SIGKILL


def test_a_killed_server_takes_its_forks_along_and_the_next_start_makes_another(
    forks: ForkServer, tmp_path: Path
) -> None:
    child = serving(forks, tmp_path)
    server = find(tmp_path / "server.pid")
    assert server is not None
    server.kill()
    assert child.process.wait(PATIENCE) == -signal.SIGTERM
    again = serving(forks, tmp_path)
    assert again.alive()
    again.stop()


def test_forks_end_with_whoever_asked_for_them(tmp_path: Path) -> None:
    program = (
        "import sys, time, pathlib; from deploy.local.tests.test_forkserver import make, serving\n"
        "folder = pathlib.Path(sys.argv[1]); print(serving(make(folder), folder).pid, flush=True); time.sleep(600)"
    )
    asker = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert asker.stdout is not None
    with asker.stdout:
        fork = psutil.Process(int(asker.stdout.readline()))
    asker.kill()
    asker.wait()
    psutil.wait_procs([fork], timeout=PATIENCE)
    assert not fork.is_running()


async def test_what_cannot_be_imported_is_named(tmp_path: Path) -> None:
    forks = make(tmp_path, "services.nowhere")
    try:
        with pytest.raises(Trouble, match=r"(?s)fork server did not come up.*No module named 'services.nowhere'"):
            await forks.run("services.nowhere", settings={})
    finally:
        forks.stop()
