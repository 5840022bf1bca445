"""A platform apart from this folder's own: `make run` as a child process, in a folder that is given."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.local import infra, ports
from deploy.local.paths import ROOT
from deploy.local.running import Running
from deploy.local.trouble import Trouble


@contextmanager
def platform(folder: Path, settings: Mapping[str, str]) -> Iterator[Running]:
    """Run the platform in `folder`; everything it started has ended afterwards. Raises Trouble where it ends itself."""
    local = {"SPONSIO_LOCAL": str(folder), "GATEWAY_PORT": str(ports.any_free()), "PYTHONPATH": str(ROOT)}
    log = folder / "platform.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.platform"],
            cwd=ROOT,
            env=os.environ | settings | local,
            stdout=output,
            stderr=output,
        )
    try:
        while not log.read_text().endswith("ready\n"):
            if process.poll() is not None:
                raise Trouble(f"the platform did not come up:\n{log.read_text()}")
            time.sleep(0.2)
        yield Running(**json.loads((folder / "running.json").read_text()))
        if process.poll() is not None:
            raise Trouble(f"the platform has ended:\n{log.read_text()[-2000:]}")
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait()
        infra.stop_left_over(folder / "data")
