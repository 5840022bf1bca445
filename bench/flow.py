"""`make bench-flow`: from a commit to the dashboard through Kafka, and what projecting and rebuilding reach.

The platform is the real one. Top-ups of 500 sponsors enter payments through the append library, 500 and 1,000 a second;
payments' worker relays them, the gateway's projector folds them into every read model. A commit is visible when the
gateway's database, behind the commit of the sponsor's dashboard, tells one that listens which version that is now.
The limit of the projector is COPY of the same messages into a bare table, its rival itself with one message at a time.
"""

import asyncio
import sys
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import asyncpg
import orjson
import uvloop

from bench import room
from bench.figures import ROUNDS, Figure, measure, ratio, report, say, table
from bench.lag import MOST_SECONDS
from bench.paced import p99_ms, paced
from bench.room import Room
from deploy.local.fresh import Databases, FreshDatabase
from deploy.local.infra import Infra
from services.gateway import consumers
from services.gateway.projections import sponsor_dashboard
from shared.contracts.catalogue import MESSAGES
from shared.eventstore.append import Appender
from shared.eventstore.database import Connection, Database
from shared.eventstore.entry import Answer, Committed, Entry, Message, Metadata, NewEvent, Request
from shared.kernel.ids import new_id
from shared.kernel.record import replace
from shared.messaging.batches import WATCHED
from shared.messaging.beside import Beside
from shared.messaging.projections import Projector
from shared.messaging.rebuild import rebuild
from shared.messaging.runner import Runner
from shared.messaging.topics import topic_name
from shared.web.serve import collect_seldom

T = TypeVar("T")

RATES = (500, 1_000)  # commands per second
SECONDS = 5.0  # at each rate, in each round
MESSAGES_LIVE = 120_000  # that one consumer folds
MESSAGES_ALONE = 300  # that are folded one at a time
READ_EVERY = 0.01  # seconds between two reads while a projection is made anew
QUEUE = 1_000_000  # nothing is refused: what waits is what is measured
SPONSORS = [new_id() for _ in range(500)]
TYPE = "payments.WalletToppedUp.v1"
METADATA = Metadata("bench", new_id())
VERSIONS = f"SELECT key, version FROM {sponsor_dashboard.NAME} WHERE key = ANY ($1)"
MESSAGES_OF = """
SELECT position, id, stream, version, metadata, recorded_at, hash, partition, number, message_key, message_type, message
  FROM events WHERE message_type = $1 ORDER BY position LIMIT $2"""


def top_up(number: int) -> Entry:
    """Return what a top-up commits."""
    id, sponsor = new_id(), SPONSORS[number % len(SPONSORS)]
    body = {"topup_id": id, "sponsor_id": sponsor, "amount_minor": 100, "currency": "EUR", "provider": "bench"}
    payload = orjson.dumps(body)
    event = NewEvent(new_id(), f"topup-{id}", TYPE, payload, Message(TYPE, sponsor, payload))
    answer = Answer(201, orjson.dumps({"id": id, "revision": 1}))
    return Entry(METADATA, {event.stream: 0}, (event,), request=Request(id, b"d" * 32), answer=answer)


@dataclass
class Watch:
    """Notices when what was committed is visible: `seconds` has one figure for each commit."""

    seconds: list[float] = field(default_factory=list)
    _committed: dict[str, int] = field(default_factory=dict)  # the version that counts the last commit of a sponsor
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)  # the version that is visible, and since when
    _waiting: dict[str, deque[tuple[int, float]]] = field(default_factory=lambda: defaultdict(deque))

    async def begin(self, gateway: Connection) -> None:
        """Look at all dashboards as they are, and from now on at what is told of them."""
        await gateway.add_listener("changed", lambda *told: self._changed(orjson.loads(told[-1])))
        for key, version in await gateway.fetch(VERSIONS, SPONSORS):
            self._committed[key] = version

    def expect(self, sponsor: str, committed: float) -> None:
        """Wait for what was committed at `committed`: every message of a sponsor is one version of the dashboard."""
        version = self._committed[sponsor] = self._committed.get(sponsor, 0) + 1
        seen, at = self._seen.get(sponsor, (0, 0.0))
        if seen >= version:
            self.seconds.append(max(at - committed, 0.0))
        else:
            self._waiting[sponsor].append((version, committed))

    def _changed(self, told: dict[str, Any]) -> None:
        if told["p"] != sponsor_dashboard.NAME:
            return
        now = time.perf_counter()
        for key, version in told["k"]:
            self._seen[key] = version, now
            waiting = self._waiting[key]
            while waiting and waiting[0][0] <= version:
                self.seconds.append(now - waiting.popleft()[1])

    async def emptied(self) -> None:
        """Wait until all is visible."""
        async with asyncio.timeout(MOST_SECONDS):
            while any(self._waiting.values()):
                await asyncio.sleep(0.02)


async def flow(opened: Room, rate: int) -> tuple[float, float]:
    """Return the 99th percentiles in ms of a commit and of the time from there to visible, at a constant rate."""
    urls = opened.state.database_urls
    payments = await Database.open(urls["payments"], size=2)
    gateway = await asyncpg.connect(urls["gateway"])
    appender = Appender(payments, "payments", queue=QUEUE)
    await appender.start()
    watch, commits = Watch(), list[float]()
    await watch.begin(gateway)

    async def act(number: int) -> None:
        began = time.perf_counter()
        outcome = await appender.append(top_up(number))
        committed = time.perf_counter()
        assert isinstance(outcome, Committed), outcome
        commits.append(committed - began)
        watch.expect(SPONSORS[number % len(SPONSORS)], committed)

    await paced(rate, SECONDS, act)
    await watch.emptied()
    await appender.stop()
    await gateway.close()
    await payments.close()
    return p99_ms(commits), p99_ms(watch.seconds)


async def copied(owner_url: str, rows: list[tuple[Any, ...]]) -> float:
    """Return how many messages, with all that Kafka has of them, COPY brings into a bare table in a second."""
    connection = await asyncpg.connect(owner_url)
    await connection.execute(
        "DROP TABLE IF EXISTS copied; CREATE TABLE copied (position bigint, id text, stream text, version integer,"
        " metadata json, recorded_at timestamptz, hash bytea, partition smallint, number bigint, key text, type text,"
        " message json)"
    )
    began = time.perf_counter()
    await connection.copy_records_to_table("copied", records=rows)
    seconds = time.perf_counter() - began
    await connection.close()
    return len(rows) / seconds


async def projected(url: str, opened: Room, batch: int, count: int) -> float:
    """Return the messages per second from topic to committed rows, from the first batch to the one with the last."""
    database = await Database.open(url)
    projector = Projector(database, consumers.PROJECTIONS, MESSAGES, consumer=consumers.READ_MODELS)
    topic = topic_name(opened.state.topic_prefix, "payments")
    steps: list[tuple[float, int]] = []  # when so many were committed
    take, done = projector.take, asyncio.Event()

    async def counted(runs: Any) -> None:
        await take(runs)
        before = steps[-1][1] if steps else 0
        steps.append((time.perf_counter(), before + sum(len(run.items) for run in runs)))
        if steps[-1][1] >= count:
            done.set()

    projector.take = counted  # type: ignore[method-assign]
    runner = Runner(
        database,
        opened.state.kafka,
        f"bench-{new_id()}",
        [topic],
        projector,
        replace(WATCHED, batch=batch),
    )
    running = asyncio.create_task(runner.run())
    async with asyncio.timeout(MOST_SECONDS):
        await done.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await database.close()
    return (steps[-1][1] - steps[0][1]) / (steps[-1][0] - steps[0][0])


async def rebuilt(database: FreshDatabase, opened: Room, slowest: list[float]) -> float:
    """Return the messages per second of a rebuild, its swap included, while somebody reads a row all the time."""
    owner, reader = await Database.open(database.owner_url), await Database.open(database.url, size=2)
    topics = [topic_name(opened.state.topic_prefix, "payments")]
    beside = Beside(owner, opened.state.kafka, topics, sponsor_dashboard, MESSAGES, suffix="bench")

    async def read() -> None:
        while True:
            began = time.perf_counter()
            row = await reader.fetchrow(f"SELECT row FROM {sponsor_dashboard.NAME} WHERE key = $1", SPONSORS[0])
            assert row is not None, "the row is away"
            slowest.append(time.perf_counter() - began)
            await asyncio.sleep(READ_EVERY)

    reading = asyncio.create_task(read())
    began = time.perf_counter()
    made = await rebuild(beside)
    seconds = time.perf_counter() - began
    assert not reading.done(), reading.exception()
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading
    await owner.close()
    await reader.close()
    return made.messages / seconds


def run(coroutine: Awaitable[T]) -> T:
    """Run on a loop of its own, the one that the services use."""

    async def all_of_it() -> T:
        return await coroutine

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(all_of_it())


async def messages_of(opened: Room) -> list[tuple[Any, ...]]:
    """Return the messages that are folded, as the store has them; append what is missing."""
    payments = await Database.open(opened.state.database_urls["payments"], size=2)
    appender = Appender(payments, "payments", queue=QUEUE)
    await appender.start()
    have: int = await payments.fetchval("SELECT count(*) FROM events WHERE message_type = $1", TYPE)
    for first in range(have, MESSAGES_LIVE, 256):
        await asyncio.gather(*(appender.append(top_up(number)) for number in range(first, first + 256)))
    await appender.stop()
    rows = await payments.fetch(MESSAGES_OF, TYPE, MESSAGES_LIVE)
    await payments.close()
    return [tuple(row) for row in rows]


def projecting(opened: Room) -> tuple[dict[str, tuple[float, ...]], list[float]]:
    """Measure what is folded in a second, each way; and what reads took while a projection was made anew."""
    state = opened.state
    made = Databases(Infra("embedded", state.kafka, state.postgres_admin_url), "bench")
    rows, slowest = run(messages_of(opened)), list[float]()
    kept = made.fresh("gateway", made.migrate("gateway"))
    run(projected(kept.url, opened, WATCHED.batch, len(rows)))

    def once(batch: int, count: int) -> float:
        database = made.fresh("gateway", made.migrate("gateway"))
        try:
            return run(projected(database.url, opened, batch, count))
        finally:
            made.drop(database)

    ways: dict[str, Callable[[], float]] = {
        "COPY": lambda: run(copied(kept.owner_url, rows)),
        "live projection": partial(once, WATCHED.batch, len(rows)),
        "one message at a time": partial(once, 1, MESSAGES_ALONE),
        "rebuild": lambda: run(rebuilt(kept, opened, slowest)),
    }
    return measure(ways), slowest


def main() -> int:
    collect_seldom()
    say("starting the platform")
    with room.opened() as opened:
        times: dict[str, list[float]] = defaultdict(list)
        run(flow(opened, RATES[0]))  # warm up
        for number in range(1, ROUNDS + 1):
            for rate in RATES:
                commit, visible = run(flow(opened, rate))
                times[f"commit, {rate}/s"].append(commit)
                times[f"commit to visible, {rate}/s"].append(visible)
                p99 = f"commit p99 {commit:.1f} ms, visible p99 {visible:.1f} ms later"
                say(f"round {number} of {ROUNDS}: {rate}/s: {p99}")
        found, slowest = projecting(opened)
    p99s = {name: tuple(values) for name, values in times.items()}
    table(p99s, "milliseconds, 99th percentile")
    say(f"{len(slowest)} reads during rebuilds, p99 {p99_ms(slowest):.1f} ms, longest {max(slowest) * 1e3:.1f} ms")
    figures: list[Figure] = []
    for rate in RATES:
        names = (f"commit to visible, {rate}/s", f"commit, {rate}/s")
        figures.append(ratio(f"visible-to-commit-p99-{rate}", p99s, *names, 5, at_least=False))
    figures += [
        ratio("live-to-copy", found, "live projection", "COPY", 0.05),
        ratio("live-to-one-at-a-time", found, "live projection", "one message at a time", 10),
        ratio("rebuild-to-copy", found, "rebuild", "COPY", 0.15),
    ]
    return report(found, "messages per second", figures)


if __name__ == "__main__":
    sys.exit(main())
