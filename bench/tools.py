"""The two programs that measure and limit HTTP here, which no Python package brings: wrk and nginx."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.local.trouble import Trouble

HOW = "install both (Debian: apt install nginx-light wrk; macOS: brew install nginx wrk); nginx need not run"
CONNECTIONS = 64
PATIENCE = 30.0  # seconds after which wrk counts an answer as missing: the host may stop the machine for a while


@dataclass(frozen=True)
class Load:
    """What wrk saw: how many requests were answered, all of them well, in how many seconds."""

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
    """Ask with 64 kept connections of one thread for so long. Raises Trouble unless every answer was good."""
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
    if done.returncode or counted is None or re.search(r"Non-2xx|Socket errors", done.stdout):
        raise Trouble(f"wrk was not answered well by {url}:\n{done.stdout}{done.stderr}")
    unit = {"ms": 0.001, "s": 1.0, "m": 60.0}[counted[3]]
    return Load(int(counted[1]), float(counted[2]) * unit)
