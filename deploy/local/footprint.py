"""`make footprint`: what the idle platform costs, against its bars; ends with status 1 where one is missed.

Memory is proportional (PSS): what processes share is counted once, divided among them. CPU is what all processes but
Kafka and PostgreSQL use, the one that watches them included, as a share of one core. On a machine that is a guest of
another the figure holds what the host takes away while a process runs; beside it stands what an empty process that
wakes up twice a second is charged there, and how often ours wake up.
"""

import subprocess
import sys
import time

import psutil

from deploy.local import process, running
from deploy.local.paths import DATA
from deploy.local.trouble import Trouble

WINDOW = 60.0  # seconds of idleness before, and of measuring
MEMORY_BAR = 120.0  # MB of each process
CPU_BAR = 15.0  # percent of one core, all together
EMPTY = "import time\nwhile True: time.sleep(0.5)"


def memory_mb(found: psutil.Process) -> float:
    """Return the proportional memory of a process in MB; its unique memory where the system does not tell (macOS)."""
    full = found.memory_full_info()
    return float(getattr(full, "pss", None) or full.uss) / (1 << 20)


def cpu_seconds(found: psutil.Process) -> float:
    times = found.cpu_times()
    return float(times.user + times.system)


def measure_cpu(found: dict[str, psutil.Process]) -> tuple[dict[str, float], dict[str, float]]:
    """Return percent of one core and wake-ups per second of each process over the window."""
    before = {name: (cpu_seconds(each), each.num_ctx_switches().voluntary) for name, each in found.items()}
    began = time.monotonic()
    time.sleep(WINDOW)
    seconds = time.monotonic() - began
    used = {name: 100 * (cpu_seconds(each) - before[name][0]) / seconds for name, each in found.items()}
    wakes = {name: (each.num_ctx_switches().voluntary - before[name][1]) / seconds for name, each in found.items()}
    return used, wakes


def measure() -> bool:
    """Print the figures and tell whether they are within the bars."""
    state = running.load()
    if not state.ready:
        raise Trouble("the platform is still starting: wait for its line `ready`")
    ours = {name: process.find(running.LOCK / f"{name}.pid") for name in state.ready_urls}
    ours["supervisor"] = psutil.Process(state.supervisor)
    ours["fork server"] = process.find(running.LOCK / "fork-server.pid")
    found = {name: each for name, each in ours.items() if each is not None}
    if len(found) != len(ours):
        raise Trouble(f"not all processes run: {', '.join(sorted(set(ours) - set(found)))}")
    print(f"idle for {WINDOW:.0f} s, then measured for {WINDOW:.0f} s", flush=True)
    empty = subprocess.Popen([sys.executable, "-c", EMPTY])
    try:
        time.sleep(WINDOW)
        used, wakes = measure_cpu({**found, "empty": psutil.Process(empty.pid)})
    finally:
        empty.kill()
        empty.wait()
    memory = {name: memory_mb(each) for name, each in found.items()}
    for name in found:
        print(f"  {name:<22} {memory[name]:7.1f} MB {used[name]:6.2f} % {wakes[name]:6.1f} wake-ups/s")
    print(
        f"  {'an empty process':<22} {'':>10} {used.pop('empty'):6.2f} % {wakes['empty']:6.1f} wake-ups/s (not counted)"
    )
    for name, file in (("kafka", DATA / "kafka.pid"), ("postgresql", DATA / "postgres.pid")):
        if (infra := process.find(file)) is not None:
            whole = sum(memory_mb(each) for each in (infra, *infra.children(recursive=True)))
            print(f"  {name:<22} {whole:7.1f} MB  (not counted)")
    most = max(memory, key=lambda name: memory[name])
    total = sum(used.values())
    small, quiet = memory[most] <= MEMORY_BAR, total <= CPU_BAR
    print(f"{'ok  ' if small else 'MISS'} largest process: {most} {memory[most]:.1f} MB (bar {MEMORY_BAR:.0f} MB)")
    print(f"{'ok  ' if quiet else 'MISS'} CPU of the idle platform: {total:.2f} % of one core (bar {CPU_BAR:.0f} %)")
    return small and quiet


def main() -> None:
    try:
        sys.exit(0 if measure() else 1)
    except Trouble as trouble:
        sys.exit(f"error: {trouble}")


if __name__ == "__main__":
    main()
