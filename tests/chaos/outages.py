"""`make chaos-outages`: what users notice of an outage, and of more load than there is room for.

The platform is `make run`'s own in a folder of its own, with its own Kafka and PostgreSQL. Commands come at a constant
rate, top-ups (payments) and drafts of campaigns (campaigns) in turn, each from its own time on whatever became of those
before it. Kafka is stopped for minutes; then payments' database refuses its role; then twice as many commands come as
were answered before. Only processes that this run has started are stopped.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import aiohttp
import orjson
import psutil
import uvloop

from bench.lag import behind, connected
from bench.paced import Asker, paced
from deploy.local import process, scratch
from deploy.local.apart import platform
from deploy.local.journey import PASSWORD
from deploy.local.running import Running
from deploy.local.trouble import Trouble
from shared.kernel.ids import new_id
from shared.kernel.record import record
from tests.chaos.faults import pid_file
from tests.chaos.market import CURRENCY, Market, Person, draft
from tests.chaos.run import SETTINGS, say

PAIRS = 32  # a wallet takes one top-up after another
CLIENTS = 64  # of a closed loop
CAPACITY_SECONDS = 10.0
REFUSED_SECONDS = 30.0
OVERLOAD_SECONDS = 60.0
PATIENCE = 120.0  # seconds after which we stop waiting for something to happen
REQUEST_SECONDS = 60.0  # an answer that takes longer is none
DRAIN_BAR = 30.0  # seconds
RECOVERY_BAR = 5.0  # seconds after an overload until commands are answered as fast as before
FULL_SPEED = 0.8  # of the rate before, which is itself measured for some seconds only
MEMORY_BAR = 200.0  # MB that a process may grow by under overload
ROLE = "sponsio_payments"


@record
class Outcome:
    """What became of one command: its service, the status (0: no answer), and whether a 503 said when to come again."""

    service: str
    status: int
    told_when: bool
    seconds: float


class Missed(Exception):
    """A bar is missed, or something is not as it must be."""


class Load:
    """People who send commands; every command is known to be acceptable. As many connections as commands under way."""

    def __init__(self, gateway: str, sponsors: Sequence[Person]) -> None:
        self._sponsors = sponsors
        self._host, _, self._port = gateway.removeprefix("http://").partition(":")
        self._free: list[Asker] = []

    async def send(self, number: int) -> Outcome:
        """Send one command, once, whatever comes back."""
        who = self._sponsors[number // 2 % len(self._sponsors)]
        service, path, body = (
            ("payments", "/v1/wallet/top-ups", {"amount_minor": 100, "currency": CURRENCY}),
            ("campaigns", "/v1/campaigns", draft()),
        )[number % 2]
        began, content = time.monotonic(), orjson.dumps(body)
        request = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {who.client.access}\r\n"
            f"Idempotency-Key: {new_id()}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        status, told = 0, False
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(REQUEST_SECONDS):
                asker = await self._connection()
                status, told = await asker.ask(request.encode() + content), asker.told_when
                self._free.append(asker)
        return Outcome(service, status, told, time.monotonic() - began)

    async def _connection(self) -> Asker:
        while self._free:
            if not (asker := self._free.pop()).closed:
                return asker
        _, asker = await asyncio.get_running_loop().create_connection(Asker, self._host, int(self._port))
        return asker

    async def offer(self, rate: float, seconds: float) -> list[Outcome]:
        """Send at a constant rate, whether or not there are answers."""
        outcomes = list[Outcome]()

        async def act(number: int) -> None:
            outcomes.append(await self.send(number))

        await paced(rate, seconds, act)
        return outcomes

    async def capacity(self, seconds: float) -> float:
        """Return the commands per second that are accepted while so many clients send one after the other."""
        accepted, until = 0, time.monotonic() + seconds

        async def client(first: int) -> None:
            nonlocal accepted
            number = first
            while time.monotonic() < until:
                outcome = await self.send(number)
                accepted += outcome.status == 201
                number += CLIENTS + 1

        began = time.monotonic()
        await asyncio.gather(*(client(number) for number in range(CLIENTS)))
        return accepted / (time.monotonic() - began)


def counted(outcomes: Sequence[Outcome]) -> str:
    """Return how often each service gave each status."""
    found = Counter((outcome.service, outcome.status) for outcome in outcomes)
    return ", ".join(f"{service} {status}: {count}" for (service, status), count in sorted(found.items()))


def must(holds: bool, what: str) -> None:
    """Say that something holds, or raise Missed."""
    if not holds:
        raise Missed(what)
    say(f"ok    {what}")


async def until(what: str, holds: Callable[[], Awaitable[bool]]) -> float:
    """Return the seconds until it holds. Raises Missed after PATIENCE."""
    began = time.monotonic()
    while not await holds():
        if time.monotonic() - began > PATIENCE:
            raise Missed(f"after {PATIENCE:.0f} s still not {what}")
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def kafka_away(state: Running, folder: Path, load: Load, rate: float, seconds: float) -> None:
    """Kafka does not answer for minutes: no command notices, and what has gathered is sent when it is back."""
    broker = process.find(pid_file(folder, "kafka"))
    if broker is None:
        raise Missed("Kafka does not run")
    say(f"Kafka is stopped for {seconds:.0f} s at {rate:.0f} commands per second")
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        outcomes = await load.offer(rate, seconds)
        gathered = await behind(state)
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    awake = time.monotonic()
    must(all(outcome.status == 201 for outcome in outcomes), f"every command is accepted: {counted(outcomes)}")
    must(gathered > len(outcomes) / 2, f"{gathered} messages have gathered meanwhile")

    async def drained() -> bool:
        return await behind(state) == 0

    await until("drained", drained)
    took = time.monotonic() - awake
    must(took <= DRAIN_BAR, f"kafka-drain {took:.1f} s (bar {DRAIN_BAR:.0f} s)")


async def database_refused(state: Running, load: Load, rate: float) -> None:
    """One service's database lets nobody in: the others go on, that one says so, and recovers by itself."""
    say(f"the database of payments refuses its role for {REFUSED_SECONDS:.0f} s")
    async with connected(state.postgres_admin_url) as admin:
        await admin.execute(f"ALTER ROLE {ROLE} NOLOGIN")
        try:
            await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", ROLE)
            outcomes = await load.offer(rate, REFUSED_SECONDS)
        finally:
            await admin.execute(f"ALTER ROLE {ROLE} LOGIN")
    others = [outcome for outcome in outcomes if outcome.service != "payments"]
    theirs = [outcome for outcome in outcomes if outcome.service == "payments"]
    must(all(outcome.status == 201 for outcome in others), f"the others go on: {counted(others)}")
    must(
        all(outcome.status == 503 and outcome.told_when for outcome in theirs),
        f"payments answers 503 and when to come again: {counted(theirs)}",
    )

    async def accepted() -> bool:
        return (await load.send(0)).status == 201

    took = await until("recovered", accepted)
    must(True, f"payments is back after {took:.1f} s")


async def too_much(state: Running, folder: Path, load: Load) -> None:
    """Twice the capacity for a minute: what is not accepted is told to come again, and afterwards all is as before."""
    before = await load.capacity(CAPACITY_SECONDS)
    say(f"capacity: {before:.0f} commands per second; twice of it for {OVERLOAD_SECONDS:.0f} s")
    servers = [process.find(pid_file(folder, f"{name}-api")) for name in ("gateway", "payments", "campaigns")]
    found = [server for server in servers if server is not None]
    small = {server.pid: server.memory_info().rss for server in found}
    grown = dict.fromkeys(small, 0)

    async def weigh() -> None:
        while True:
            for server in found:
                with suppress(psutil.NoSuchProcess):
                    grown[server.pid] = max(grown[server.pid], server.memory_info().rss - small[server.pid])
            await asyncio.sleep(0.5)

    weighing = asyncio.create_task(weigh())
    outcomes = await load.offer(2 * before, OVERLOAD_SECONDS)
    weighing.cancel()
    must(
        all(outcome.status == 201 or (outcome.status == 503 and outcome.told_when) for outcome in outcomes),
        f"accepted, or told to come again: {counted(outcomes)}",
    )
    most = max(grown.values()) / (1 << 20)
    must(most <= MEMORY_BAR, f"overload-memory {most:.0f} MB more at most (bar {MEMORY_BAR:.0f} MB)")
    await asyncio.sleep(RECOVERY_BAR)
    after = await load.capacity(CAPACITY_SECONDS)
    must(after >= FULL_SPEED * before, f"{RECOVERY_BAR:.0f} s later {after:.0f} commands per second are accepted again")


async def all_of_it(state: Running, folder: Path, rate: float, seconds: float) -> None:
    async with aiohttp.ClientSession() as session:
        market = Market(state.gateway_url, (state.admin_email, state.admin_password), seed=1)
        await market.enter(session, PAIRS)
        for sponsor in market.sponsors:  # until payments has heard that they are approved
            await market.top_up(sponsor, 100)
        load = Load(state.gateway_url, market.sponsors)
        await database_refused(state, load, min(rate, 40.0))
        await too_much(state, folder, load)
        for sponsor in market.sponsors:  # tokens are good for minutes
            await sponsor.client.sign_in(sponsor.email, PASSWORD)
        await kafka_away(state, folder, load, rate, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos-outages", description=__doc__)
    parser.add_argument("--rate", type=float, default=200.0, help="commands per second while Kafka is away")
    parser.add_argument("--seconds", type=float, default=180.0, help="how long Kafka is away")
    given = parser.parse_args()
    folder = scratch.make("outages")
    try:
        with platform(folder, SETTINGS) as state:
            uvloop.run(all_of_it(state, folder, given.rate, given.seconds))
    except (Missed, Trouble) as problem:
        print(f"MISS  {problem}\nlogs and data: {folder}", flush=True)
        return 1
    scratch.remove(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
