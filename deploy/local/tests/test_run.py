"""`make run` as a person uses it: it comes up as a whole, says where it is, and goes without a trace."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from deploy.local import infra, platform, ports, postgres, process
from deploy.local.paths import ROOT
from deploy.local.plan import ROLES

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "SEED": "none"}


def test_it_comes_up_says_ready_and_leaves_no_process(tmp_path: Path) -> None:
    settings = ENVIRONMENT | {"SPONSIO_LOCAL": str(tmp_path), "GATEWAY_PORT": str(ports.any_free())}
    control = [sys.executable, "-m", "deploy.local.control"]
    run = subprocess.Popen(
        [sys.executable, "-m", "deploy.local.platform"],
        cwd=ROOT,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.stdout is not None
    try:
        said: list[str] = []
        for line in run.stdout:
            said.append(line)
            if line == "ready\n":
                break
        assert said[-1] == "ready\n", "".join(said)
        for service, roles in ROLES.items():
            for role in roles:
                assert any(line.strip().startswith(f"{service}-{role} ") for line in said), "".join(said)
        until = time.monotonic() + 60  # a check of a process may take longer than it may on a machine that is busy
        while True:
            status = subprocess.run([*control, "status"], cwd=ROOT, env=settings, capture_output=True, text=True)
            if status.returncode == 0 or time.monotonic() > until:
                break
        assert status.returncode == 0, status.stdout + status.stderr
        assert (tmp_path / "running.json").stat().st_mode & 0o777 == 0o600

        started = psutil.Process(run.pid).children(recursive=True)
        assert len(started) > sum(map(len, ROLES.values()))
        those_who_follow_stand_back(tmp_path)
        those_who_answer_keep_apart(tmp_path)
        run.send_signal(signal.SIGINT)
        last = run.stdout.read()
        assert run.wait() == 0, last
        assert last.endswith("stopped\n")
        assert [each for each in started if each.is_running() and each.status() != psutil.STATUS_ZOMBIE] == []
        assert not (tmp_path / "running.json").exists()

        reset = subprocess.run([*control, "reset"], cwd=ROOT, env=settings, capture_output=True, text=True)
        assert reset.returncode == 0, reset.stderr
        assert not (tmp_path / "data").exists()
    finally:
        if run.poll() is None:
            os.kill(run.pid, signal.SIGTERM)
        run.wait()
        run.stdout.close()
        infra.stop_left_over(tmp_path / "data")
        postgres.remove(tmp_path / "data")
        shutil.rmtree(tmp_path, ignore_errors=True)


def those_who_follow_stand_back(folder: Path) -> None:
    """Compare how nice processes are, and their sessions where Linux groups by them."""
    nice = {"data/kafka": process.FOLLOWS}
    for service, roles in ROLES.items():
        nice |= {f"run/{service}-{role}": 0 if role == "api" else process.FOLLOWS for role in roles}
    for name, expected in nice.items():
        found = process.find(folder / f"{name}.pid")
        assert found is not None, name
        assert found.nice() == min(expected + os.nice(0), 19), name
        group = Path(f"/proc/{found.pid}/autogroup")
        assert not group.exists() or group.read_text().endswith(f" nice {expected}\n"), name


def those_who_answer_keep_apart(folder: Path) -> None:
    """Compare where processes may run: the gateway not where the services are, those who follow everywhere."""
    cores = platform.cores()
    apart = 1 < len(cores) < len(ROLES)
    for service, roles in ROLES.items():
        for role in roles:
            found = process.find(folder / f"run/{service}-{role}.pid")
            assert found is not None
            place = cores[:1] if service == "gateway" else cores[1:]
            assert not cores or found.cpu_affinity() == (place if apart and role == "api" else cores), (service, role)
