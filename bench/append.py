"""`make bench-append`: what the store appends, against PostgreSQL's own limit and against a library.

An append of ours is a whole one: append lock, expected version, idempotency answer, event with metadata and hash
chain, public message with its number, head; 64 or one of them at a time, in one process, each waiting for its answer
before the next. Every transaction waits for the disk (synchronous_commit and fsync are on).
"""

import asyncio
import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import uvloop

from bench import server
from bench.figures import Figure, measure, ratio, report, say
from bench.rivals import pgbench
from bench.rivals.library import Library
from deploy.local.fresh import FreshDatabase
from shared.eventstore.append import Appender
from shared.eventstore.codec import Codec
from shared.eventstore.database import Database
from shared.eventstore.entry import Answer, Committed, Entry, Message, Metadata, NewEvent, Request
from shared.eventstore.execute import Store
from shared.eventstore.tests import jar
from shared.eventstore.work import Work
from shared.kernel.ids import new_id

SECONDS = 4.0  # of each measurement
MANY = 64
TYPE = "jars.JarFilled.v1"
PAYLOAD = orjson.dumps({"jar_id": new_id(), "sweets": 1, "note": "x" * 430})  # 500 bytes
METADATA = Metadata("bench", new_id())
LONG, SHORT, BATCH = 10_000, 10, 150  # events of the streams that are loaded, and of an entry that makes them
COLD_ROUNDS = 7


def an_entry(key: str, version: int) -> Entry:
    """Return one that has everything: an event with its message behind `version` of its stream, a request's answer."""
    stream = f"jar-{key}"
    return Entry(
        METADATA,
        {stream: version},
        (NewEvent(new_id(), stream, TYPE, PAYLOAD, Message(TYPE, key, PAYLOAD)),),
        request=Request(f"{key}:{version}", b"d" * 32),
        answer=Answer(200, b'{"revision": 1}'),
    )


async def append_for(url: str, clients: int, seconds: float) -> float:
    """Return the appends per second that `clients` tasks reach with one appender, from when it is connected."""
    database = await Database.open(url, size=2)
    appender = Appender(database, "jars")
    await appender.start()
    await appender.append(an_entry(new_id(), 0))
    until = time.perf_counter() + seconds

    async def client() -> int:
        key, appended = new_id(), 0
        while time.perf_counter() < until:
            outcome = await appender.append(an_entry(key, appended))
            assert isinstance(outcome, Committed), outcome
            appended += 1
        return appended

    began = time.perf_counter()
    appended = sum(await asyncio.gather(*(client() for _ in range(clients))))
    rate = appended / (time.perf_counter() - began)
    await appender.stop()
    await database.close()
    return rate


def appends_per_second(database: FreshDatabase, clients: int) -> float:
    """Run `append_for` on a loop of its own, the one that the services use."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(append_for(database.url, clients, SECONDS))


async def fill(url: str, id: str, count: int) -> None:
    """Make a jar of `count` events by commands, BATCH events each, as services do: they leave snapshots behind."""
    database = await Database.open(url, size=2)
    appender, codec = Appender(database, "jars"), Codec(jar.EVENTS)
    store = Store(database, appender, codec, codec, jar.publish)
    await appender.start()

    async def several(work: Work, events: int) -> dict[str, Any]:
        for _ in range(events):
            await work.decide(jar, id, jar.Fill(id, 1))
        return {}

    for done in range(0, count, BATCH):
        await store.execute(partial(several, events=min(BATCH, count - done)), METADATA)
    await appender.stop()
    await database.close()


def cold_load_ms(url: str, stream: str) -> float:
    """Return the milliseconds that a new process takes to load a stream for the first time."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.cold_load", url, stream], capture_output=True, text=True, check=True, timeout=60
    )
    return float(json.loads(done.stdout))


def main() -> int:
    with server.databases() as made, TemporaryDirectory() as folder:
        ours = server.store(made)
        script = Path(folder) / "insert.sql"
        values = {"payload": PAYLOAD.decode(), "metadata": orjson.dumps({"actor": "bench"}).decode()}
        insert = pgbench.SCRIPT.format(type=TYPE, **{name: f":{name}" for name in values})
        script.write_text(" ".join(insert.split()) + "\n")
        pgbench.prepare(ours)
        library = Library(server.store(made).owner_url)
        threads = library.tune(PAYLOAD.decode(), 1.0)
        say(f"the library runs best with {threads} threads here")
        rates = measure(
            {
                "append, 64 at once": partial(appends_per_second, ours, MANY),
                "pgbench, 64 at once": partial(pgbench.inserts_per_second, ours, script, values, MANY, SECONDS),
                "eventsourcing library": partial(library.saves_per_second, PAYLOAD.decode(), SECONDS),
                "append, one at a time": partial(appends_per_second, ours, 1),
                "pgbench, one at a time": partial(pgbench.inserts_per_second, ours, script, values, 1, SECONDS),
            }
        )
        library.close()
        say(f"making a stream of {LONG} events and one of {SHORT}")
        for stream, count in (("long", LONG), ("short", SHORT)):
            asyncio.run(fill(ours.url, stream, count))
        cold = [(cold_load_ms(ours.url, "jar-long"), cold_load_ms(ours.url, "jar-short")) for _ in range(COLD_ROUNDS)]
    say(f"first load in a new process: {median(a for a, _ in cold):.2f} ms and {median(b for _, b in cold):.2f} ms")
    figures = [
        ratio("append-64-to-pgbench", rates, "append, 64 at once", "pgbench, 64 at once", 1.0),
        ratio("append-64-to-eventsourcing", rates, "append, 64 at once", "eventsourcing library", 20),
        ratio("append-1-to-pgbench", rates, "append, one at a time", "pgbench, one at a time", 0.25),
        Figure("cold-load-10000-to-10-events", tuple(a / b for a, b in cold), 2.0, at_least=False),
    ]
    return report(rates, "per second", figures)


if __name__ == "__main__":
    sys.exit(main())
