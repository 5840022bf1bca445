"""`make chaos-night`: one run of `make chaos` after another, a seed each, and a report of what was found."""

import argparse
import subprocess
import sys
import threading
import time
from pathlib import Path

from deploy.local.paths import LOCAL, ROOT
from shared.kernel.record import record

REPORT = LOCAL / "chaos-night.md"
RUN_PATIENCE = 3_600.0  # seconds for one seed
SAID = 12  # lines of a broken run that the report shows


@record
class Run:
    """One seed; `seconds` from its start to its end, `said` what it printed last."""

    seed: int
    well: bool
    seconds: float
    said: list[str]


def seeds(text: str) -> list[int]:
    """Return the seeds that `1-10` or `3,5,8` names, in order; raises ValueError."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    if not found:
        raise ValueError(f"no seeds in {text!r}")
    return found


def play(seed: int, commands: int, clients: int) -> Run:
    """Run one seed to its end, showing what it prints."""
    began = time.monotonic()
    said: list[str] = []
    arguments = ["--seed", str(seed), "--commands", str(commands), "--clients", str(clients)]
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.run", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None  # it was asked for
    too_long = threading.Timer(RUN_PATIENCE, child.terminate)
    too_long.start()
    try:
        for line in child.stdout:
            print(line, end="", flush=True)
            said.append(line.rstrip())
        well = child.wait() == 0
    finally:
        too_long.cancel()
        if child.poll() is None:
            child.terminate()
            child.wait()
    return Run(seed, well, time.monotonic() - began, said)


def report(runs: list[Run], planned: int, commands: int, clients: int) -> str:
    """Return the report as Markdown: a line for each seed, then what the broken ones said."""
    broken = [run for run in runs if not run.well]
    lines = [
        f"# {len(runs) - len(broken)} of {planned} seeds held: {commands} commands by {clients} clients each",
        "",
        "| seed | | seconds | last line |",
        "|---|---|---|---|",
    ]
    for run in runs:
        last = run.said[-1] if run.said else "it said nothing"
        lines.append(f"| {run.seed} | {'held' if run.well else '**broken**'} | {run.seconds:.0f} | {last} |")
    for run in broken:
        lines += ["", f"## Seed {run.seed}", "", "```", *run.said[-SAID:], "```"]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos-night", description=__doc__)
    parser.add_argument("--seeds", default="1-10", help="such as 1-10 or 3,5,8")
    parser.add_argument("--commands", type=int, default=2_000, help="how many each seed sends")
    parser.add_argument("--clients", type=int, default=32, help="how many send at once")
    parser.add_argument("--report", type=Path, default=REPORT, help="where the report is written")
    given = parser.parse_args()
    try:
        chosen = seeds(given.seeds)
    except ValueError as problem:
        parser.error(f"--seeds: {problem}")
    runs: list[Run] = []
    for seed in chosen:
        runs.append(play(seed, given.commands, given.clients))
        given.report.write_text(report(runs, len(chosen), given.commands, given.clients))  # also for whoever stops it
    print(f"the report: {given.report}", flush=True)
    return 0 if all(run.well for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
