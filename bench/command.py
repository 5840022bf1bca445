"""`make bench-command`: a command from its client through the gateway to committed and answered.

The platform is the real one; the command edits one of 64 drafts of a campaign, 64 at once, each with an
Idempotency-Key of its own: token and limits at the gateway, token, body and role at the service, its stream loaded and
folded, an event with its message, the answer kept, all durable. The limit is one bare INSERT per transaction through
asyncpg on 64 connections, without HTTP; the rival is the same edit as services are usually built.

Nothing follows what those two have committed, so while they are compared what follows commands here (relay, workers,
projector) stands still. Before that all of it runs, on the same two cores: the rate is given, and at half of it both
ours and the limit are asked at a constant rate and their 99th percentiles compared.
"""

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import orjson
import uvloop

from bench import room, server, tools
from bench.figures import measure, ratio, report, say, table
from bench.lag import caught_up
from bench.paced import Asker, p99_ms, paced
from bench.rivals import pgbench, raw
from bench.room import Room, Sponsor
from deploy.local import ports
from deploy.local.fresh import Databases, FreshDatabase
from deploy.local.infra import Infra
from deploy.local.trouble import Trouble
from shared.kernel.ids import new_id

SECONDS = 5.0  # of each measurement
MANY = 64
MOST_CONNECTIONS = 256  # while the rate is constant
SCRIPT = Path(__file__).with_name("edits.lua")
TYPE = "campaigns.CampaignEdited.v1"
INSERT = " ".join(pgbench.SCRIPT.format(type=TYPE, payload="$1", metadata="$2").split())
VALUES = (
    orjson.dumps({"campaign_id": new_id(), "note": "x" * 430}).decode(),  # 500 bytes
    orjson.dumps({"actor": "bench"}).decode(),
)


def edits_per_second(url: str, sponsor: Sponsor, ids: tuple[str, ...]) -> float:
    """Return the commands that are answered well in a second, 64 at once."""
    token = asyncio.run(sponsor.fresh_token())
    return tools.wrk(url, SECONDS, script=str(SCRIPT), arguments=[new_id(), token, *ids]).rate


def edit_p99_ms(gateway: str, sponsor: Sponsor, rate: float) -> float:
    """Edit at a constant rate; return the 99th percentile from the time of each until its answer. Raises Trouble."""
    token = asyncio.run(sponsor.fresh_token())
    host, _, port = gateway.removeprefix("http://").partition(":")
    prefix = new_id()

    def request(number: int) -> bytes:
        body = orjson.dumps({"description": "x" * 300, "budget_minor": number + 1})
        return (
            f"PATCH /v1/campaigns/{sponsor.drafts[number % len(sponsor.drafts)]} HTTP/1.1\r\nHost: bench\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: {prefix}-{number}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    async def go() -> float:
        free: asyncio.LifoQueue[Asker] = asyncio.LifoQueue()
        askers = []
        for _ in range(MOST_CONNECTIONS):
            _, asker = await asyncio.get_running_loop().create_connection(Asker, host, int(port))
            askers.append(asker)
            free.put_nowait(asker)

        async def act(number: int) -> None:
            asker = await free.get()
            status = await asker.ask(request(number))
            free.put_nowait(asker)
            if status != 200:
                refused.append(status)

        refused: list[int] = []
        late = await paced(rate, SECONDS, act)
        if len(refused) > tools.MOST_REFUSED * len(late):
            raise Trouble(f"the gateway answers {refused[0]} to {len(refused)} of {len(late)} edits")
        for asker in askers:
            asker.close()
        return p99_ms(late)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(go())


def compared(opened: Room, sponsor: Sponsor, limit: FreshDatabase, rival: str) -> int:
    """Measure everything, on a platform and a rival that run, and say how it went."""
    ours = partial(edits_per_second, opened.state.gateway_url, sponsor, sponsor.drafts)
    inserted = partial(raw.appends_per_second, limit.owner_url, INSERT, VALUES, MANY, SECONDS)
    edited = partial(edits_per_second, rival, sponsor, tuple(f"c{number}" for number in range(MANY)))
    for way in (ours, inserted, edited):
        tools.warm(way)
    behind: list[float] = []

    def until_seen(measured: Callable[[], float]) -> float:
        """Measure, and note how long those who follow take from there until they have all of it."""
        figure = measured()
        behind.append(asyncio.run(caught_up(opened.state)))
        return figure

    followed = measure({"command, followed": partial(until_seen, ours)})
    half = median(followed["command, followed"]) / 2
    say(f"at half of the rate: {half:.0f} commands per second")
    p99s = measure(
        {
            "command, p99": partial(until_seen, partial(edit_p99_ms, opened.state.gateway_url, sponsor, half)),
            "raw append, p99": partial(raw.append_p99_ms, limit.owner_url, INSERT, VALUES, MANY, half, SECONDS),
        }
    )
    say(f"the dashboards had all of it {median(behind):.2f} s after the last command, {max(behind):.2f} s at most")
    with opened.followers_stopped():
        found = measure({"command": ours, "raw append": inserted, "conventional build": edited})
    figures = [
        ratio("command-to-raw-append", found, "command", "raw append", 0.25),
        ratio("command-to-conventional", found, "command", "conventional build", 8),
        ratio("p99-at-half-rate-to-raw-append", p99s, "command, p99", "raw append, p99", 5, at_least=False),
    ]
    table(p99s, f"milliseconds at {half:.0f} per second")
    return report(found | followed, "per second", figures)


def main() -> int:
    try:
        tools.need("wrk")
        say("starting the platform")
        with room.opened() as opened:
            sponsor = room.sponsor(opened.state.gateway_url)
            asyncio.run(sponsor.arrive(drafts=MANY))
            made = Databases(Infra("embedded", opened.state.kafka, opened.state.postgres_admin_url), "bench")
            limit = server.store(made)
            pgbench.prepare(limit)
            rival = made.fresh("rival", lambda _: None)
            service, gateway = ports.any_free(), ports.any_free()
            url = rival.owner_url.replace("postgresql://", "postgresql+asyncpg://")
            with (
                opened.python(
                    "service", service, *uvicorn("conventional_service", service), settings={"DATABASE_URL": url}
                ),
                opened.python(
                    "gateway",
                    gateway,
                    *uvicorn("conventional_gateway", gateway),
                    settings={"SERVICE_URL": f"http://{ports.LOOPBACK}:{service}"},
                ),
            ):
                return compared(opened, sponsor, limit, f"http://{ports.LOOPBACK}:{gateway}")
    except Trouble as trouble:
        say(f"error: {trouble}")
        return 2


def uvicorn(module: str, port: int) -> list[str]:
    """Return how a rival's app is served: one worker, as fast as uvicorn is."""
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    return ["uvicorn", f"bench.rivals.{module}:app", "--host", ports.LOOPBACK, "--port", str(port), *options]


if __name__ == "__main__":
    sys.exit(main())
