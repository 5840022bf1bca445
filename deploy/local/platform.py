"""`make run`: the whole platform on this machine, in the foreground, each process as in production.

It starts Kafka and PostgreSQL, sets them up, starts every process, waits until all are ready, seeds the demo market and
then watches: what crashes comes back, with longer and longer pauses. Ctrl-C or SIGTERM ends all of it in order.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from typing import TextIO

import aiohttp

from deploy.local import infra as decision
from deploy.local import plan as planning
from deploy.local import ports, process, running, setup
from deploy.local.forkserver import ForkServer
from deploy.local.infra import Infra
from deploy.local.paths import DATA, LOCAL, LOGS, SECRETS
from deploy.local.plan import Plan, Secrets, Unit
from deploy.local.process import Child
from deploy.local.running import Running
from deploy.local.trouble import Trouble

PATIENCE = 300.0  # seconds until all processes are ready
LOG_LIMIT = 50 << 20  # bytes; a longer log is put aside at the next start
NO_ANSWER = "no answer"
LOOK_SECONDS = 2.0  # between two looks at all processes
LONGEST_PAUSE = 15.0  # seconds between two starts of a process that keeps crashing
CALM = 30.0  # seconds alive after which a crash counts as the first again

_began = time.monotonic()


def say(text: str) -> None:
    """Print one step with the seconds since the start."""
    print(f"[{time.monotonic() - _began:5.1f} s] {text}", flush=True)


@dataclass
class Watched:
    """A process that is kept running."""

    start: Callable[[], Child]
    child: Child
    started: float = field(default_factory=time.monotonic)
    pause: float = 0.0
    again_at: float | None = None

    def look(self) -> None:
        """Start it again where it has ended and its pause is over."""
        now = time.monotonic()
        if self.again_at is not None:
            if now >= self.again_at:
                self.again_at, self.started = None, now
                try:
                    self.child = self.start()
                except (Trouble, OSError) as error:  # as if it had ended at once
                    self._again(now, str(error))
        elif not self.child.alive():
            self._again(now, f"ended with status {self.child.process.returncode}")

    def _again(self, now: float, why: str) -> None:
        calm = now - self.started > CALM
        self.pause = 0.5 if calm or not self.pause else min(self.pause * 2, LONGEST_PAUSE)
        self.again_at = now + self.pause
        say(f"{self.child.name}: {why}; starting it again in {self.pause:.1f} s")


class Platform:
    """All processes of one run; `start_unit` starts one of them."""

    def __init__(self, plan: Plan, start_unit: Callable[[Unit], Child]) -> None:
        self.plan = plan
        self.start_unit = start_unit
        self.watched: list[Watched] = []

    async def start(self) -> None:
        """Start every process, and wait until each says that it is ready.

        Raises Trouble, which names the log, where one ends or is not ready in time.
        """
        until = time.monotonic() + PATIENCE
        for unit in self.plan.units:
            self.watched.append(Watched(partial(self.start_unit, unit), self.start_unit(unit)))
        waiting = list(self.plan.units)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
            while waiting:
                for unit in list(waiting):
                    answer = await ask(session, unit.ready_url)
                    if answer == "200":
                        waiting.remove(unit)
                        count = len(self.plan.units)
                        say(f"{unit.name} is ready ({count - len(waiting)} of {count})")
                    elif time.monotonic() > until:
                        raise Trouble(
                            f"{unit.name} is not ready after {PATIENCE:.0f} s, {unit.ready_url} says: {answer}; "
                            f"{log_says(unit.name)}"
                        )
                for watched in self.watched:
                    if not watched.child.alive():
                        name, code = watched.child.name, watched.child.process.returncode
                        raise Trouble(f"{name} ended with status {code} while starting; {log_says(name)}")
                await asyncio.sleep(0.2)

    async def watch(self) -> None:
        """Keep everything running until cancelled."""
        infra = [Watched(restart, child) for child, restart in self.plan.infra.restarts()]
        while True:
            for watched in (*infra, *self.watched):
                watched.look()
            await asyncio.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """End the services together; they drain while Kafka and PostgreSQL still run."""
        for watched in self.watched:
            watched.child.ask_to_stop()
        until = time.monotonic() + 25
        for watched in self.watched:
            watched.child.stop(max(0.1, until - time.monotonic()))


def log_says(name: str) -> str:
    log = LOGS / f"{name}.log"
    return f"{log} says:\n{process.tail(log)}"


async def ask(session: aiohttp.ClientSession, url: str) -> str:
    """Return the status of an address, with what it says where that is not 200."""
    try:
        async with session.get(url) as response:
            return "200" if response.status == 200 else f"{response.status} {(await response.text())[:300]}"
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"{NO_ANSWER} ({type(error).__name__})"


def cores() -> list[int]:
    """Return the numbers of those on which we may run; none where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []


def start_unit(forks: ForkServer, plan: Plan, unit: Unit) -> Child:
    """Start a process as production does, with `python -m services.<service>.main <role>`, from modules at hand."""
    return forks.start(
        unit.name,
        f"services.{unit.service}.main",
        unit.role,
        log=LOGS / f"{unit.name}.log",
        pid_file=running.LOCK / f"{unit.name}.pid",
        environment=plan.settings(unit.service),
        niceness=0 if unit.role == "api" else process.FOLLOWS,
        place=unit.place(cores()),
    )


async def go(platform: Platform, forks: ForkServer, state: Running) -> None:
    """Set up, start, seed, say `ready`, and watch until a signal comes."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    plan = platform.plan
    await setup.make_topics(plan)
    await forks.ready()
    say(f"starting {len(plan.units)} processes, and making the first administrator")
    async with asyncio.TaskGroup() as group:
        group.create_task(platform.start())
        group.create_task(setup.run(forks, "services.identity.main", "bootstrap", settings=plan.bootstrap_settings()))
    seeded = await seed(plan, forks)
    state.ready = True
    state.write()
    print_summary(plan, seeded)
    await platform.watch()


async def seed(plan: Plan, forks: ForkServer) -> str:
    """Fill an empty market with a small believable one, and return what the seed says about its people."""
    if plan.environment.get("SEED") == "none" or find_spec("deploy.local.seed") is None:
        return ""
    say("seeding the demo market (SEED=none leaves it out)")
    settings = {
        "GATEWAY_URL": plan.gateway_url,
        "ADMIN_EMAIL": plan.admin_email,
        "ADMIN_PASSWORD": plan.admin_password,
        "DEMO_PASSWORD": plan.secrets.get("DEMO_PASSWORD"),
    }
    return await setup.run(forks, "deploy.local.seed", settings=plan.settings("gateway") | settings)


def print_summary(plan: Plan, seeded: str) -> None:
    print()
    print(f"  Sponsio       {plan.gateway_url}")
    for unit in plan.units:
        print(f"    {unit.name:<22} http://{ports.LOOPBACK}:{unit.port}")
    print(f"  Kafka         {plan.infra.kafka}  topics {plan.topic_prefix}.<service>.1")
    print(f"  PostgreSQL    {plan.infra.postgres_admin_url.rpartition('@')[2]}  passwords in {SECRETS}")
    print(f"  logs          {LOGS}/<service>-<role>.log")
    print(f"  administrator {plan.admin_email}  {plan.admin_password}")
    if seeded:
        print("\n".join("  " + line for line in seeded.splitlines()))
    print()
    print("ready", flush=True)


def put_long_logs_aside() -> None:
    for log in LOGS.glob("*.log"):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))


def stop_left_over() -> None:
    """Stop the processes of a run that was killed."""
    for pid_file in running.LOCK.glob("*.pid"):
        if process.stop_left_over(pid_file):
            say(f"stopped the {pid_file.stem} that an earlier run left behind")


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    forks: ForkServer | None = None
    infra: Infra | None = None
    platform: Platform | None = None
    lock: TextIO | None = None
    status = 0
    try:
        LOCAL.mkdir(mode=0o755, exist_ok=True)
        if (pid := running.supervisor()) is not None:
            raise Trouble(f"Sponsio already runs from this folder (process {pid}): `make stop` ends it")
        lock = decision.claim(running.LOCK)  # held until the end
        stop_left_over()
        put_long_logs_aside()
        gateway_port = ports.required(int(os.environ.get("GATEWAY_PORT", "8080")), "GATEWAY_PORT")
        prefix = os.environ.get("TOPIC_PREFIX", "sponsio")
        units = planning.units(gateway_port)

        forks = ForkServer(  # imports while Kafka and PostgreSQL start
            planning.MODULES, log=LOGS / "fork-server.log", pid_file=running.LOCK / "fork-server.pid"
        )

        def planned(infra: Infra) -> Plan:
            return Plan(infra, Secrets(SECRETS), prefix, units, os.environ)

        def make_databases(infra: Infra) -> None:
            say("databases and migrations")
            asyncio.run(setup.make_databases(planned(infra)))

        infra = decision.start(
            DATA,
            logs=LOGS,
            kafka_port=chosen("KAFKA_PORT", gateway_port + planning.KAFKA_OFFSET),
            postgres_port=chosen("POSTGRES_PORT", gateway_port + planning.POSTGRES_OFFSET),
            say=say,
            meanwhile=make_databases,
        )
        plan = planned(infra)
        state = Running(
            supervisor=os.getpid(),
            gateway_url=plan.gateway_url,
            kafka=infra.kafka,
            topic_prefix=prefix,
            postgres_admin_url=infra.postgres_admin_url,
            admin_email=plan.admin_email,
            admin_password=plan.admin_password,
            database_urls={service: plan.database_url(service) for service in planning.SERVICES},
            ready_urls={unit.name: unit.ready_url for unit in plan.units},
            settings={service: plan.operator_settings(service) for service in planning.SERVICES},
        )
        state.write()
        platform = Platform(plan, partial(start_unit, forks, plan))
        asyncio.run(go(platform, forks, state))
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("stopping")
    except (Trouble, ExceptionGroup) as error:
        status = 1
        print(f"error: {trouble_in(error)}", file=sys.stderr, flush=True)
    except OSError as error:
        status = 1
        print(f"error: {str(error) or repr(error)}", file=sys.stderr, flush=True)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # we are already at it
        if platform is not None:
            platform.stop()
        if forks is not None:
            forks.stop()
        if infra is not None:
            infra.stop()
        with contextlib.suppress(OSError):
            running.FILE.unlink(missing_ok=True)
        if lock is not None:
            lock.close()
    if status == 0:
        say("stopped")
    sys.exit(status)


def trouble_in(error: BaseException) -> str:
    """Return the first message meant for a person."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) if isinstance(error, Trouble) else repr(error)


def chosen(setting: str, usual: int) -> int:
    """Return the port that a setting asks for, or the usual one, or any free one where that is busy."""
    given = os.environ.get(setting)
    return ports.required(int(given), setting) if given else ports.preferred(usual)


if __name__ == "__main__":
    main()
