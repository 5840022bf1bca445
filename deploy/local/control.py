"""`make stop`, `make status`, `make logs` and `make reset`: what one does to a platform from another window."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time

import aiohttp
import psutil

from deploy.local import infra, postgres, process, running
from deploy.local.paths import DATA, LOGS
from deploy.local.platform import ask
from deploy.local.trouble import Trouble


def stop() -> None:
    """End the platform of this folder and wait until nothing of it is left."""
    pid = running.supervisor()
    if pid is not None:
        print(f"stopping process {pid}", flush=True)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + 90
        while running.supervisor() is not None:
            if time.monotonic() > until:
                raise Trouble(f"process {pid} has not ended after 90 s")
            time.sleep(0.1)
    left = [file.stem for file in sorted(running.LOCK.glob("*.pid")) if process.stop_left_over(file)]
    left += infra.stop_left_over(DATA)
    running.FILE.unlink(missing_ok=True)
    if left:
        print(f"stopped what an earlier run left behind: {', '.join(left)}")
    print("stopped" if pid is not None or left else "nothing was running")


def status() -> None:
    """Say what runs and whether it is ready; ends with status 1 where something is not."""
    state = running.load()

    async def answers() -> dict[str, str]:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
            said = await asyncio.gather(*(ask(session, url) for url in state.ready_urls.values()))
        return dict(zip(state.ready_urls, said, strict=True))

    print(f"Sponsio  {state.gateway_url}  (process {state.supervisor})")
    well = True
    for file, name in ((DATA / "postgres.pid", "postgresql"), (DATA / "kafka.pid", "kafka")):
        if file.exists():
            found = process.find(file)
            well = well and found is not None
            print(f"  {name:<22} {'runs' if found else 'does not run':<14} {f'process {found.pid}' if found else ''}")
    for name, answer in asyncio.run(answers()).items():
        found = process.find(running.LOCK / f"{name}.pid")
        ready = answer == "200"
        well = well and ready
        print(f"  {name:<22} {'ready' if ready else answer:<14} {f'process {found.pid}' if found else ''}")
    if not well:
        sys.exit(1)


def logs(service: str) -> None:
    """Follow the logs of one service, or of all with an empty name, until Ctrl-C."""
    files = sorted(LOGS.glob(f"{service}*.log"))
    if not files:
        raise Trouble(f"there are no logs of {service or 'anything'} in {LOGS}")
    os.execvp("tail", ["tail", "-n", "40", "-F", *map(str, files)])


def reset() -> None:
    """Remove all data and logs of this folder; the platform must not run."""
    if (pid := running.supervisor()) is not None:
        raise Trouble(f"Sponsio runs (process {pid}): `make stop` first")
    infra.stop_left_over(DATA)
    postgres.remove(DATA)
    shutil.rmtree(DATA, ignore_errors=True)
    shutil.rmtree(LOGS, ignore_errors=True)
    print("all data and logs are gone")


def main() -> None:
    verb, service = (*sys.argv[1:], "", "")[:2]
    try:
        if verb == "logs":
            logs(service)
        else:
            {"stop": stop, "status": status, "reset": reset}[verb]()
    except Trouble as trouble:
        sys.exit(f"error: {trouble}")
    except psutil.AccessDenied as error:
        sys.exit(f"error: {error}: started by another user?")


if __name__ == "__main__":
    main()
