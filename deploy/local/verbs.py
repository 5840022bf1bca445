"""The verbs that services have for their operators, run on this machine, each a process of its own."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from deploy.local.forkserver import ForkServer
from deploy.local.plan import MODULES


async def operate(service: str, settings: Mapping[str, str], *verb: str) -> tuple[int, str]:
    """Run a verb of a service, with its arguments; return its status and what it says. Raises Trouble."""
    path = {"PATH": os.environ.get("PATH", "")}
    return await server().run(f"services.{service}.main", *verb, settings={**settings, **path})


@cache
def server() -> ForkServer:
    """Return the one of this process, which ends with it; asked for the first time in the main thread."""
    folder = Path(tempfile.mkdtemp(prefix="sponsio-verbs-"))
    forks = ForkServer(MODULES, log=folder / "fork-server.log", pid_file=folder / "fork-server.pid")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(forks.stop)
    return forks
