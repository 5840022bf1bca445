"""`make chaos`: a random market on the real platform while its processes are killed; then all that must be true.

The platform is `make run`'s own, with its own Kafka and PostgreSQL, in a folder that is removed when all is well and
kept when something is not. Only processes that this run has started are hit.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

import aiohttp

from deploy.local import scratch
from deploy.local.apart import platform
from deploy.local.platform import ask
from deploy.local.running import Running
from deploy.local.trouble import Trouble
from tests.chaos import checks, parked
from tests.chaos.checks import Broken
from tests.chaos.faults import Fault, Hit, inflict, schedule
from tests.chaos.market import Market, by_kind

PAIRS = 8  # sponsors, and as many influencers
LAST_FAULT_PATIENCE = 120.0  # seconds after the last command until every stopped process is awake
READY_PATIENCE = 300.0  # seconds until all processes are ready again
SETTINGS = {
    "SEED": "none",
    "LOG_LEVEL": "warning",
    "RATE_LIMIT_ANONYMOUS_PER_SECOND": "1000",  # all these people come from one address
    "RATE_LIMIT_ANONYMOUS_BURST": "5000",
    "RATE_LIMIT_PER_SECOND": "1000",
    "RATE_LIMIT_BURST": "5000",
}

_began = time.monotonic()


def say(text: str) -> None:
    print(f"[{time.monotonic() - _began:6.1f} s] {text}", flush=True)


def tell(hit: Hit) -> None:
    how = "killed" if hit.fault.seconds is None else f"stopped for {hit.fault.seconds:.1f} s"
    say(f"{hit.fault.victim} ({hit.pid}) {how} after {hit.fault.after} commands, {hit.in_flight} in flight")


async def progress(market: Market, commands: int) -> None:
    while True:
        await asyncio.sleep(5)
        say(f"{market.answered} of {commands} commands answered, {market.flying} in flight, {market.repeats} repeats")


async def all_ready(state: Running) -> None:
    """Wait until every process says that it is ready. Raises Broken."""
    until = time.monotonic() + READY_PATIENCE
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
        for name, url in state.ready_urls.items():
            while await ask(session, url) != "200":
                if time.monotonic() > until:
                    raise Broken("recovery", f"{name} is not ready {READY_PATIENCE:.0f} s after the last fault")
                await asyncio.sleep(0.2)


async def trade(state: Running, folder: Path, seed: int, commands: int, clients: int, faults: list[Fault]) -> None:
    """Let the market trade under the faults, then check everything. Raises Broken."""
    connector = aiohttp.TCPConnector(limit=clients + 16)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=15)) as session:
        market = Market(state.gateway_url, (state.admin_email, state.admin_password), seed)
        await market.open(session, PAIRS)
        before = await checks.effects(state)
        say(f"the market is open: {clients} clients, {commands} commands, {len(faults)} faults")
        began = time.monotonic()
        telling = asyncio.create_task(progress(market, commands))
        hitting = asyncio.create_task(inflict(faults, folder, market, tell))
        try:
            await market.trade(clients, commands, lambda: not hitting.done())
            await asyncio.wait_for(hitting, LAST_FAULT_PATIENCE)
        except ExceptionGroup as group:
            raise Broken("recovery", f"no answer: {group.exceptions[0]!r}") from group
        except TimeoutError:
            raise Broken("schedule", "not every fault was reached: send more commands") from None
        finally:
            telling.cancel()
            hitting.cancel()
        seconds = time.monotonic() - began
        say(f"{market.answered} commands in {seconds:.0f} s, {market.repeats} repeats, slowest {market.slowest:.1f} s")
        for kind, count in by_kind(market.told).items():
            print(f"{'':12}{count:6} {kind}")
        await all_ready(state)
        say(checks.nothing_unexpected(market))
        say(await checks.acknowledged_once(market, state, before))
        say(await checks.in_order(state))
        say(await checks.money_adds_up(market))
        say(await checks.answers_equal(market))
        say(await checks.acknowledged_once(market, state, before) + ", also after their keys came again")
        say(await checks.nobody_restricted_acted(state))
        say(await parked.in_order(state))
        say(await checks.verified(state))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="chooses people, commands and faults")
    parser.add_argument("--commands", type=int, default=2_000, help="how many are sent")
    parser.add_argument("--clients", type=int, default=32, help="how many send at once")
    given = parser.parse_args()
    again = f"make chaos SEED={given.seed} COMMANDS={given.commands} CLIENTS={given.clients}"
    folder = scratch.make("chaos")
    faults = schedule(given.seed, given.commands)
    try:
        with platform(folder, SETTINGS) as state:
            asyncio.run(trade(state, folder, given.seed, given.commands, given.clients, faults))
    except (Broken, Trouble) as broken:
        print(f"BROKEN {broken}\nthe same schedule again: {again}\nlogs and data: {folder}", flush=True)
        return 1
    scratch.remove(folder)
    say(f"seed {given.seed}: all is as it was acknowledged, {len(faults)} faults")
    return 0


if __name__ == "__main__":
    sys.exit(main())
