"""A seeded schedule of faults, each done to a process at a moment when enough commands are under way.

What is replayed by a seed is the schedule: who is hit after how many commands, and how. The interleaving of a real
system is not; the same seed may find what it found once only after some runs.
"""

import asyncio
import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from deploy.local import process
from deploy.local.plan import ROLES
from shared.kernel.record import record
from tests.chaos.market import Market

IN_FLIGHT = 8  # commands at least, when somebody is hit
SERVICES = tuple(f"{service}-{role}" for service, roles in ROLES.items() for role in roles)
INFRA = ("postgresql", "kafka")
PAUSES = 4  # processes that are stopped for a while, and then go on as if nothing had happened
PAUSED_SECONDS = (2.0, 12.0)  # from within to beyond what Kafka and PostgreSQL wait for


@record
class Fault:
    """Hit `victim` once `after` commands have been answered: kill it, or stop it for `seconds` where they are given."""

    after: int
    victim: str
    seconds: float | None = None


@record
class Hit:
    """What a fault has hit: the process, and how many commands were under way."""

    fault: Fault
    pid: int
    in_flight: int


def schedule(seed: int, commands: int) -> list[Fault]:
    """Return the faults of a seed: every process is killed once, some are stopped, spread over most of the run."""
    chance = random.Random(f"faults {seed}")
    faults = [(victim, None) for victim in (*SERVICES, *INFRA)]
    paused = [(victim, chance.uniform(*PAUSED_SECONDS)) for victim in chance.sample(SERVICES, PAUSES)]
    order = [*faults, *paused]
    chance.shuffle(order)
    places = sorted(chance.sample(range(commands // 20, commands * 17 // 20), len(order)))
    return [Fault(after, victim, seconds) for after, (victim, seconds) in zip(places, order, strict=True)]


def pid_file(folder: Path, victim: str) -> Path:
    """Return where the process id of a process is written, below what the platform has instead of .local."""
    return {
        "postgresql": folder / "data" / "postgres.pid",
        "kafka": folder / "data" / "kafka.pid",
    }.get(victim, folder / "run" / f"{victim}.pid")


async def inflict(faults: list[Fault], folder: Path, market: Market, tell: Callable[[Hit], None]) -> list[Hit]:
    """Do what is scheduled while the market trades; ends with the last fault. What was stopped is awake on return."""
    hits: list[Hit] = []
    asleep: set[asyncio.Task[None]] = set()
    try:
        for fault in faults:
            while market.answered < fault.after or market.flying < IN_FLIGHT:
                await asyncio.sleep(0.005)
            while (victim := process.find(pid_file(folder, fault.victim))) is None:  # being started again
                await asyncio.sleep(0.1)
            hits.append(Hit(fault, victim.pid, market.flying))
            if fault.seconds is None:
                os.kill(victim.pid, signal.SIGKILL)
            else:
                os.kill(victim.pid, signal.SIGSTOP)
                asleep.add(asyncio.create_task(_awaken(victim.pid, fault.seconds)))
            tell(hits[-1])
    finally:
        await asyncio.gather(*asleep)
    return hits


async def _awaken(pid: int, seconds: float) -> None:
    try:
        await asyncio.sleep(seconds)
    finally:
        with suppress(ProcessLookupError):  # killed while it slept
            os.kill(pid, signal.SIGCONT)
