"""The two programs that measure and limit HTTP here, which no Python package brings: wrk and nginx."""

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deploy.local.trouble import Trouble

HOW = "install both (Debian: apt install nginx-light wrk; macOS: brew install nginx wrk); nginx need not run"
CONNECTIONS = 64
WARMING = 6  # attempts
MOST_REFUSED = 0.01  # share of the answers: a service may say that it is busy
PATIENCE = 30.0  # seconds after which wrk counts an answer as missing: the host may stop the machine for a while


@dataclass(frozen=True)
class Load:
    """What wrk saw: how many requests were answered well, in how many seconds."""

    requests: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def need(*programs: str) -> None:
    """Raise Trouble, which says how to get them, where one of the programs is not there."""
    missing = [program for program in programs if path_of(program) is None]
    if missing:
        raise Trouble(f"{' and '.join(missing)} not found on the PATH: {HOW}")


def path_of(program: str) -> str | None:
    """Return where a program is; Debian keeps servers where not every PATH leads."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


def wrk(
    url: str, seconds: float, *, headers: Sequence[str] = (), script: str = "", arguments: Sequence[str] = ()
) -> Load:
    """Ask with 64 kept connections of one thread for so long. Raises Trouble where more than a few are refused."""
    command = [path_of("wrk") or "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", f"--timeout={PATIENCE:.0f}s"]
    command += [part for header in headers for part in ("-H", header)]
    command += ["-s", script] if script else []
    done = subprocess.run(
        [*command, url, *(["--", *arguments] if arguments else [])],
        capture_output=True,
        text=True,
        timeout=seconds + 2 * PATIENCE,
    )
    counted = re.search(r"(\d+) requests in ([0-9.]+)(ms|s|m),", done.stdout)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    good = int(counted[1]) - int(refused[1] if refused else 0) if counted else 0
    if done.returncode or counted is None or good <= int(counted[1]) * (1 - MOST_REFUSED):
        raise Trouble(f"wrk was not answered well by {url}:\n{done.stdout}{done.stderr}")
    unit = {"ms": 0.001, "s": 1.0, "m": 60.0}[counted[3]]
    return Load(good, float(counted[2]) * unit)


def warm(ask: Callable[[], object]) -> None:
    """Ask until it goes well, some times at most: the first requests find connections and keys that are yet to come."""
    for _ in range(WARMING):
        try:
            ask()
            return
        except Trouble as trouble:
            last = trouble
    raise last
