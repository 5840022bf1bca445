"""`make chaos-planted`: faults are planted into copies of the platform, one at a time, and each must be caught.

Caught means: its scenario finds the one invariant broken that the fault names, and finds all of them to hold in the
control, a copy without the fault. Any other failure, or no end in time, is no catch.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg

from deploy.local import infra as decision
from deploy.local import process, scratch
from deploy.local.fresh import off_loop
from deploy.local.infra import Infra
from deploy.local.paths import ROOT
from deploy.local.plan import SERVICES
from tests.chaos.planted import edits
from tests.chaos.planted.edits import Edit
from tests.chaos.planted.faults import FAULTS, Fault
from tests.chaos.planted.play import HELD
from tests.chaos.planted.scenarios import needed

PATIENCE = 900.0  # seconds for one platform and its scenarios
END_PATIENCE = 120.0  # seconds for a platform to end that took too long


def plant(name: str, scenarios: list[str], planted: tuple[Edit, ...]) -> Path:
    """Return a copy of the tree, for these scenarios, with these edits done to it; raises Stale."""
    tree = scratch.make(f"planted-{name}")
    edits.copy(ROOT, tree)
    idle = frozenset(SERVICES).difference(*map(needed, scenarios))
    edits.apply(tree, (edits.without(idle), edits.PATIENT, *planted))
    return tree


def play(infra: Infra, tree: Path, scenarios: list[str], seed: int) -> tuple[str, str]:
    """Play scenarios from a copy; returns the broken invariant (HELD: none) and what was found."""
    off_loop(forget(infra))
    environment = {name: value for name, value in os.environ.items() if name != "SPONSIO_LOCAL"} | {
        "KAFKA_BOOTSTRAP": infra.kafka,
        "POSTGRES_ADMIN_URL": infra.postgres_admin_url,
        "TOPIC_PREFIX": tree.name.replace("_", "-"),
    }
    log = tree / "log.txt"
    with log.open("w") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.planted.play", *scenarios, "--seed", str(seed)],
            cwd=tree,
            env=environment | {"PYTHONPATH": str(tree)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return "time-out", f"no end after {PATIENCE:.0f} s; {log} says:\n{process.tail(log)}"
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
                try:
                    child.wait(END_PATIENCE)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
    try:
        told = json.loads(log.read_text().splitlines()[-1])
        return told["invariant"], told["found"]
    except (json.JSONDecodeError, IndexError, KeyError, TypeError):
        return "run", f"{log} says:\n{process.tail(log)}"


async def forget(infra: Infra) -> None:
    """Drop the databases of the platform before: the servers are shared, what they hold is not."""
    connection = await asyncpg.connect(infra.postgres_admin_url)
    try:
        for service in SERVICES:
            await connection.execute(f"DROP DATABASE IF EXISTS sponsio_{service} WITH (FORCE)")
    finally:
        await connection.close()


def control(infra: Infra, chosen: list[Fault], seed: int) -> bool:
    """Play all that the faults need on an unpatched copy; tells whether everything holds."""
    began = time.monotonic()
    scenarios = list(dict.fromkeys(fault.scenario for fault in chosen))
    tree = plant("control", scenarios, tuple(edit for fault in chosen for edit in fault.release))
    broken, found = play(infra, tree, scenarios, seed)
    seconds = time.monotonic() - began
    if broken != HELD:
        print(f"BROKEN control, by {broken} ({seconds:.0f} s): {found}\n  its tree, logs and data: {tree}", flush=True)
        return False
    shutil.rmtree(tree, ignore_errors=True)
    print(f"held   control ({seconds:.0f} s)", flush=True)
    return True


def caught(infra: Infra, fault: Fault, seed: int) -> bool:
    """Plant one fault and tell whether its invariant, and no other, was found broken."""
    began = time.monotonic()
    tree = plant(f"{fault.number:02}", [fault.scenario], (*fault.release, *fault.edits))
    broken, found = play(infra, tree, [fault.scenario], seed)
    seconds = time.monotonic() - began
    if broken != fault.invariant:
        how = "nothing was found" if broken == HELD else f"{broken} instead of {fault.invariant}: {found}"
        print(f"MISSED {fault.number:02} {fault.name} ({seconds:.0f} s): {how}\n  its tree: {tree}", flush=True)
        return False
    shutil.rmtree(tree, ignore_errors=True)
    print(f"caught {fault.number:02} {fault.name} by {fault.invariant} ({seconds:.0f} s)", flush=True)
    print(f"       {found.splitlines()[0][:200]}", flush=True)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos-planted", description=__doc__)
    parser.add_argument("--only", default="", help="numbers of faults, separated by commas; all where it is empty")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    known = {fault.number: fault for fault in FAULTS}
    numbers = [int(number) for number in given.only.split(",") if number] or list(known)
    if unknown := set(numbers) - known.keys():
        parser.error(f"no such fault: {', '.join(map(str, sorted(unknown)))}")
    chosen = [known[number] for number in numbers]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = scratch.make("planted-servers")
    infra = decision.start(folder, durable=False)
    try:
        verdicts = [control(infra, chosen, given.seed), *(caught(infra, fault, given.seed) for fault in chosen)]
    finally:
        infra.stop()
        scratch.remove(folder)
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
