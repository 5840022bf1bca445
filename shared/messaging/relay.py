"""The relay: what the store has published goes to Kafka, in order, at least once, by one leader per service.

The leader holds a session lock on a connection of its own and reads the store through that same connection: where the
lock is lost, nothing more is read. Where to go on it learns from the last records of the partitions themselves.
"""

import asyncio
from contextlib import suppress
from typing import Any

import structlog

from shared.eventstore.database import Connection, Database
from shared.messaging import metrics, republishing, turns
from shared.messaging.envelope import outgoing
from shared.messaging.resting import Rest
from shared.messaging.sending import SEND_SECONDS, Sender
from shared.messaging.tails import Tail, tails
from shared.messaging.topics import PARTITIONS
from shared.messaging.turns import Turn

log = structlog.get_logger()

LOCK = 0x53504F4E52454C59  # "SPONRELY"
POLL_SECONDS = 1.0  # for the lock
IDLE_SECONDS = 8.0  # without a NOTIFY; below idle_session_timeout
BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)

#: A leader that is frozen, or cut off, loses its session and with it the lock, within some ten seconds.
SESSION = """
SET idle_session_timeout = '10s'; SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 2;
SET tcp_keepalives_count = 3; SET tcp_user_timeout = '10s'"""

HEAD = "SELECT epoch, position, numbers FROM head"
SAME = "SELECT hash FROM events WHERE partition = $1 AND number = $2"
START = """
SELECT min(position) FROM events JOIN unnest($1::smallint[], $2::bigint[]) AS w (partition, number)
 USING (partition, number)"""
#: At most `$2` messages and some BATCH_BYTES, and where the log ends: behind the last one is nothing to be sent then.
BATCH_BYTES = 4_000_000
BATCH = f"""
SELECT e.*, head.position AS end FROM head LEFT JOIN (
    SELECT position, id, stream, version, metadata, recorded_at, hash, partition, number, message_key, message_type,
           message, sum(octet_length(message::text)) OVER (ORDER BY position) - octet_length(message::text) AS before
      FROM events WHERE number IS NOT NULL AND position > $1 ORDER BY position LIMIT $2) e
 ON before < {BATCH_BYTES} ORDER BY e.position"""


class Ahead(Exception):
    """Kafka holds what this store has not published: it was restored, or is another one."""


class Disordered(Exception):
    """The store's next message is not the next number: nothing that is sent could be trusted."""


class Relay:
    """One per process; those that do not lead wait for the lock. `silent` says why nothing is sent, '' otherwise."""

    def __init__(self, database: Database, service: str, topic: str, bootstrap: str, batch: int = 500) -> None:
        self._database = database
        self._service = service
        self._topic = topic
        self._bootstrap = bootstrap
        self._limit = batch
        self._wake = asyncio.Event()
        self._asked = True  # somebody may want something sent again
        self._epoch = ""
        self._turns: tuple[Turn, ...] = ()
        self.position = 0  # of the last event that it has seen
        self._numbers = [0] * PARTITIONS
        self.leading = False
        self.silent = ""
        self.sent = 0
        self.failures = 0

    async def run(self) -> None:
        """Lead whenever it can be had, until cancelled; every failure is begun anew, with a pause."""
        while True:
            try:
                await self._lead()
            except Ahead as problem:
                self._be_silent(str(problem))
                await asyncio.sleep(5 * POLL_SECONDS)
            except Exception as problem:  # Kafka or PostgreSQL away, a dead producer, a lost session: all end here
                log.warning("relay_waits", service=self._service, error=f"{type(problem).__name__}: {problem}"[:300])
                self.failures += 1
                metrics.RELAY_FAILURES.labels(self._service).inc()
                await asyncio.sleep(BACKOFF_SECONDS[min(self.failures, len(BACKOFF_SECONDS)) - 1])

    async def _lead(self) -> None:
        connection = await self._database.connect()
        sender: Sender | None = None
        try:
            await connection.execute(SESSION)
            await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                await asyncio.sleep(POLL_SECONDS)
            self._lead_now(True)
            await connection.add_listener("committed", self._committed)
            self._asked = True
            await self._learn(connection)
            sender = Sender(self._bootstrap, self._topic, f"{self._service}-relay")
            await sender.start()
            self._be_silent("")
            rest = Rest(0, 1, self._limit)
            while True:
                await self._send_all(connection, sender)
                await rest.take(0)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)
        finally:
            self._lead_now(False)
            connection.terminate()
            if sender is not None:
                await sender.stop()

    def _committed(self, *told: object) -> None:
        self._asked |= told[-1] == republishing.NAME
        self._wake.set()

    def _lead_now(self, leading: bool) -> None:
        self.leading = leading
        metrics.RELAY_LEADER.labels(self._service).set(leading)

    def _be_silent(self, why: str) -> None:
        if why and not self.silent:
            log.error("relay_silent", service=self._service, why=why)
        self.silent = why
        metrics.RELAY_SILENT.labels(self._service).set(bool(why))

    async def _learn(self, connection: Connection) -> None:
        """Find out where to go on; raises Ahead."""
        async with asyncio.timeout(SEND_SECONDS):
            last = await tails(self._bootstrap, self._topic)
        head = await connection.fetchrow(HEAD)
        assert head is not None  # the table's first row is made with it
        self._turns = await turns.read(connection, self._topic)
        self._epoch = head["epoch"]
        self._numbers = [await self._sent(connection, tail, head["numbers"][tail.partition]) for tail in last]
        await self._place(connection, head["position"])

    async def _sent(self, connection: Connection, tail: Tail, number: int) -> int:
        """Return the last number that Kafka and the store, which stands at `number`, have alike; raises Ahead."""
        where = f"{self._topic}[{tail.partition}]"
        if not tail.number:
            return 0
        if tail.epoch != self._epoch:
            later = [turn.numbers[tail.partition] for turn in self._turns if turn.epoch > tail.epoch]
            if not later or tail.epoch not in {turn.epoch for turn in self._turns}:
                raise Ahead(f"{where} ends in epoch {tail.epoch}, the store is in {self._epoch}")
            return min(later)  # what comes behind it is lost
        if tail.number > number:
            raise Ahead(f"{where} ends with number {tail.number}, the store with {number}")
        same = await connection.fetchval(SAME, tail.partition, tail.number)
        if same is None or same.hex() != tail.chain:
            raise Ahead(f"{where} holds another number {tail.number} than the store")
        return tail.number

    async def _place(self, connection: Connection, end: int) -> None:
        """Stand before the first message that is not sent; `end`: the head's position when `_numbers` was taken."""
        first = await connection.fetchval(START, list(range(PARTITIONS)), [number + 1 for number in self._numbers])
        self.position = end if first is None else first - 1

    async def _send_all(self, connection: Connection, sender: Sender) -> None:
        looking, self._asked = self._asked, False
        asked = await connection.fetch(republishing.ASKED) if looking else []
        for row in asked:
            log.info("republishing", service=self._service, partition=row["partition"], from_number=row["from_number"])
            self._numbers[row["partition"]] = min(self._numbers[row["partition"]], max(row["from_number"], 1) - 1)
        if asked:
            await self._place(connection, self.position)
        self._wake.clear()
        more = True
        while more:
            rows = await connection.fetch(BATCH, self.position, self._limit)
            last = rows[-1]
            if more := last["position"] is not None:
                await self._send(sender, rows)
                more = len(rows) == self._limit or last["before"] + len(last["message"]) >= BATCH_BYTES
            self.position = last["position"] if more else last["end"]  # what has no message is not read again
        for row in asked:  # only now: a successor that knows nothing of it goes on where the last record stands
            await connection.execute(republishing.DONE, row["partition"], row["from_number"])

    async def _send(self, sender: Sender, rows: list[Any]) -> None:
        due = []
        for row in rows:
            partition, number = row["partition"], row["number"]
            if number <= self._numbers[partition]:
                continue  # sent before
            if number > self._numbers[partition] + 1:
                raise Disordered(f"{self._topic}[{partition}]: {number} comes after {self._numbers[partition]}")
            self._numbers[partition] = number
            epoch = turns.epoch_of(self._turns, partition, number) or self._epoch
            due.append(outgoing(self._service, epoch, row))
        await sender.send(due)
        self.sent += len(due)
        self.failures = 0
        metrics.RELAY_SENT.labels(self._service).inc(len(due))
