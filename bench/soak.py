"""`make bench-soak`: slow connections, a body that is too large, and memory under ten minutes of load (MINUTES=10).

All of it on the real platform, through the gateway. What 1,000 connections that send one byte a second do to others is
the time of a read with them in relation to the one without them, in the same round. Memory is proportional (PSS).
"""

import asyncio
import os
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median

import aiohttp
import psutil
import uvloop

from bench import room
from bench.figures import ROUNDS, Figure, ratio, report, say
from bench.paced import Asker, paced
from bench.room import Room, Sponsor
from deploy.local.client import Client
from deploy.local.footprint import memory_mb
from deploy.local.journey import PASSWORD

SLOW = 1_000  # connections
BYTE_SECONDS = 1.0
READS = 300  # in each round, with and without them
MINUTES = int(os.environ.get("MINUTES", "10"))
EARLY = 2  # the minute that the last one is compared with
READS_PER_SECOND = 100
COMMANDS_PER_SECOND = 10
TOO_LARGE = 1 << 30  # bytes that the head of a request promises
ANSWER_SECONDS = 30.0
HEAD = b"GET /v1/dashboards/me HTTP/1.1\r\nhost: gateway\r\nx-slow: "


def lift_limit() -> None:
    """Allow this process as many open files as it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SLOW + 500 if hard == resource.RLIM_INFINITY else min(hard, max(soft, SLOW + 500))
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


@asynccontextmanager
async def slow_connections(host: str, port: int) -> AsyncIterator[None]:
    """Hold that many connections that send a byte a second each, spread over the second."""
    opened = [await asyncio.open_connection(host, port) for _ in range(SLOW)]

    async def trickle() -> None:
        for _, writer in opened:
            writer.write(HEAD)
        while True:
            for _, writer in opened:
                writer.write(b"x")
                await asyncio.sleep(BYTE_SECONDS / SLOW)

    trickling = asyncio.create_task(trickle())
    try:
        yield
    finally:
        trickling.cancel()
        for _, writer in opened:
            writer.transport.abort()


async def reading(host: str, port: int, request: bytes) -> float:
    """Return the median seconds of a read."""
    _, asker = await asyncio.get_running_loop().create_connection(Asker, host, port)
    took = []
    for _ in range(READS):
        began = time.perf_counter()
        status = await asker.ask(request)
        took.append(time.perf_counter() - began)
        assert status == 200, status
    asker.close()
    return median(took)


async def beside_slow_ones(opened: Room, sponsor: Sponsor) -> dict[str, tuple[float, ...]]:
    """Return the milliseconds of a read without slow connections and with them, a value per round."""
    host, port = opened.address("gateway-api").split(":")
    request = (
        f"GET /v1/campaigns?limit=20 HTTP/1.1\r\nhost: {host}\r\n"
        f"authorization: Bearer {await sponsor.fresh_token()}\r\n\r\n"
    ).encode()
    await reading(host, int(port), request)
    times: dict[str, list[float]] = {"a read": [], "a read beside slow connections": []}
    for number in range(ROUNDS):
        times["a read"].append(await reading(host, int(port), request) * 1e3)
        async with slow_connections(host, int(port)):
            times["a read beside slow connections"].append(await reading(host, int(port), request) * 1e3)
        say(f"round {number + 1} of {ROUNDS}: " + ", ".join(f"{n} {t[-1]:.2f} ms" for n, t in times.items()))
    return {name: tuple(values) for name, values in times.items()}


async def refused_unread(opened: Room, sponsor: Sponsor) -> bool:
    """Tell whether a body that is promised too large is refused (413) before any of it is sent."""
    host, port = opened.address("gateway-api").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST /v1/campaigns HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nidempotency-key: large\r\n"
        f"authorization: Bearer {await sponsor.fresh_token()}\r\ncontent-length: {TOO_LARGE}\r\n\r\n".encode()
    )
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            line = await reader.readline()
    except TimeoutError:
        line = b"no answer"
    writer.transport.abort()
    say(f"a body of {TOO_LARGE:,} bytes, promised: {line.decode().strip()}")
    return b" 413 " in line


def memory(opened: Room) -> dict[str, float]:
    """Return the megabytes of each process."""
    return {unit: memory_mb(psutil.Process(opened.pid(unit))) for unit in opened.state.ready_urls}


async def soak(opened: Room, sponsor: Sponsor) -> dict[int, dict[str, float]]:
    """Read and command at a constant rate; return the memory of each process at the end of each minute."""
    found: dict[int, dict[str, float]] = {}
    async with aiohttp.ClientSession() as session:
        client = await Client(session, opened.state.gateway_url).sign_in(sponsor.email, PASSWORD)
        for minute in range(1, MINUTES + 1):
            await client.sign_in(sponsor.email, PASSWORD)

            async def read(number: int) -> None:
                await client.read(("/v1/dashboards/me", "/v1/campaigns?limit=20")[number % 2])

            async def draft(_: int) -> None:
                await client.command("/v1/campaigns", room.draft())

            await asyncio.gather(paced(READS_PER_SECOND, 60.0, read), paced(COMMANDS_PER_SECOND, 60.0, draft))
            found[minute] = memory(opened)
            most = max(found[minute], key=lambda unit: found[minute][unit])
            say(f"minute {minute} of {MINUTES}: the largest is {most}, {found[minute][most]:.1f} MB")
    return found


async def everything(opened: Room) -> tuple[dict[str, tuple[float, ...]], bool, dict[int, dict[str, float]]]:
    """Measure one after another."""
    sponsor = room.sponsor(opened.state.gateway_url)
    await sponsor.arrive(drafts=20)
    times = await beside_slow_ones(opened, sponsor)
    refused = await refused_unread(opened, sponsor)
    return times, refused, await soak(opened, sponsor)


def main() -> int:
    if MINUTES <= EARLY:
        sys.exit(f"error: MINUTES must be more than {EARLY}")
    lift_limit()
    say("starting the platform")
    with room.opened() as opened, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        times, refused, minutes = runner.run(everything(opened))
    early, late = minutes[EARLY], minutes[MINUTES]
    grown = {unit: late[unit] / early[unit] for unit in late}
    for unit, factor in grown.items():
        print(f"  {unit:<22} {early[unit]:7.1f} MB at minute {EARLY}, {late[unit]:7.1f} MB at {MINUTES}: {factor:.2f}")
    figures = [
        ratio("beside-slow-connections", times, "a read beside slow connections", "a read", 1.5, at_least=False),
        Figure("too-large-refused-unread", (float(refused),), 1),
        Figure("memory-of-the-soak", (max(grown.values()),), 1.1, at_least=False),
    ]
    return report(times, "milliseconds", figures)


if __name__ == "__main__":
    sys.exit(main())
