"""Plays scenarios on one platform, from the tree that this file lies in; the last line says what has come of it."""

import argparse
import asyncio
import json
import signal
import sys
from contextlib import suppress
from pathlib import Path

import aiohttp
import psutil

from deploy.local import process, scratch
from deploy.local.apart import platform
from deploy.local.running import Running
from tests.chaos import checks
from tests.chaos.checks import Broken
from tests.chaos.market import Market
from tests.chaos.planted.scenarios import SCENARIOS, needed
from tests.chaos.planted.stage import Stage
from tests.chaos.run import SETTINGS, say

PAIRS = 3  # sponsors, and as many influencers
HELD = ""  # what stands in the place of an invariant where all of them hold


def trading(names: list[str]) -> bool:
    """Tell whether a scenario needs more than people: campaigns and offers."""
    return any("adrequests" in needed(name) for name in names)


async def play(names: list[str], state: Running, folder: Path, seed: int) -> None:
    """Open the market and play the scenarios one after another. Raises Broken."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=25)) as session:
        market = Market(state.gateway_url, (state.admin_email, state.admin_password), seed)
        await (market.open if trading(names) else market.enter)(session, PAIRS)
        stage = Stage(state, folder, market, await checks.effects(state))
        for name in names:
            say(f"{name}: {(SCENARIOS[name].__doc__ or '').strip()}")
            await SCENARIOS[name](stage)


def verdict(names: list[str], seed: int, folder: Path) -> tuple[str, str]:
    """Return the invariant that was found broken, HELD where none is, and what was found."""
    try:
        with platform(folder, SETTINGS) as state:
            try:
                asyncio.run(play(names, state, folder, seed))
            finally:
                end_at_once(folder)
    except Broken as broken:
        return broken.invariant, str(broken)
    except Exception as problem:
        return "scenario", f"{type(problem).__name__}: {problem} {getattr(problem, 'exceptions', '')}"
    return HELD, "all holds"


def end_at_once(folder: Path) -> None:
    """Kill the platform's processes: nobody needs what they would tidy up."""
    for pid_file in (folder / "run").glob("*.pid"):
        if (found := process.find(pid_file)) is not None:
            with suppress(psutil.NoSuchProcess):
                found.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="+", choices=sorted(SCENARIOS))
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = scratch.make("chaos")
    invariant, found = verdict(given.scenario, given.seed, folder)
    if invariant == HELD:
        scratch.remove(folder)
    print(json.dumps({"invariant": invariant, "found": found}), flush=True)
    sys.exit(0)


if __name__ == "__main__":
    main()
