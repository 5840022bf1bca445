"""The consumer runner: FastStream brings batches, numbers decide what each record is, a taker makes it an effect.

Nothing here trusts Kafka's offsets. A partition is followed from its checkpoint; when an effect fails, for whatever
reason, what this process believes is thrown away, and the checkpoint is read again after a pause.
"""

import asyncio
import random
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from faststream.middlewares import AckPolicy

from shared.eventstore.database import Database
from shared.eventstore.execute import Overtaken
from shared.messaging import metrics
from shared.messaging.batches import Taker
from shared.messaging.following import Following
from shared.messaging.listening import listen

log = structlog.get_logger()

BATCH = 500
IDLE_MS = 1_000
ACK_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 10.0
STOP_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 5.0


async def _parse(raw: tuple[ConsumerRecord, ...]) -> KafkaMessage:
    """Wrap a batch without looking into it: FastStream's own parser decodes all headers, and dies of bad ones."""
    return KafkaMessage(body=b"", headers={}, raw_message=raw, consumer=FAKE_CONSUMER)


async def _decode(message: KafkaMessage) -> Any:
    return message.raw_message


class Runner(ConsumerRebalanceListener):  # type: ignore[misc] - aiokafka carries no types
    """One consumer in this process, following its share of the partitions of `topics`."""

    def __init__(
        self, database: Database, bootstrap: str, group: str, topics: Sequence[str], taker: Taker, batch: int = BATCH
    ) -> None:
        """`group`: Kafka's name for all processes that share this consumer's partitions."""
        self._database = database
        self._taker = taker
        self._following = Following(database, taker.consumer)
        self._turn = asyncio.Lock()  # batches and replays of one process never overlap
        self._wanted = asyncio.Event()  # something for _keep to do
        self._replay: set[tuple[str, int]] = set()
        self._pauses = 0
        self._joined = False
        self._broker = KafkaBroker(
            bootstrap, logger=None, apply_types=False, consumer_only=True, graceful_timeout=STOP_SECONDS / 2
        )
        self._subscriber = self._broker.subscriber(
            *topics, group_id=group, batch=True, max_records=batch, batch_timeout_ms=1, auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL, listener=self, no_reply=True, parser=_parse, decoder=_decode,
            session_timeout_ms=6_000, heartbeat_interval_ms=1_500,
        )  # fmt: skip
        self._subscriber(self._receive)

    def troubles(self) -> list[str]:
        """Say why this consumer is not ready; empty where it is."""
        if not self._joined:
            return ["not yet a member of its group"]
        return self._following.troubles()

    async def run(self) -> None:
        """Consume until cancelled, then stop within STOP_SECONDS or so."""
        tasks = [
            asyncio.create_task(self._keep()),
            asyncio.create_task(self._acknowledge()),
            asyncio.create_task(listen(self._database, self._asked, "replay")),
        ]
        try:
            await self._start()
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._stop()

    @property
    def _consumer(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer

    async def _start(self) -> None:
        attempt = 0
        while True:
            try:
                await self._broker.start()
                break
            except (KafkaError, OSError, TimeoutError) as problem:
                attempt += 1
                log.warning("consumer_waits", consumer=self._taker.consumer, error=f"{type(problem).__name__}: {problem}")
                with suppress(Exception):
                    await asyncio.wait_for(self._broker.stop(), STOP_SECONDS)
                await asyncio.sleep(_pause(attempt))
        # FastStream sleeps after an empty poll as long as the poll has waited: let the poll alone be long.
        assert self._consumer is not None
        self._consumer.getmany = partial(_patiently, self._consumer.getmany)

    async def _stop(self) -> None:
        with suppress(Exception):
            await self._commit(1.0)
        try:
            await asyncio.wait_for(self._broker.stop(), STOP_SECONDS)
        except Exception as problem:  # a consumer may wait for a coordinator without end: leave it to its timeout
            log.warning("consumer_stopped_hard", consumer=self._taker.consumer, error=type(problem).__name__)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Forget what we know: somebody else follows these now."""
        self._following.forget({(p.topic, p.partition) for p in revoked})

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Begin at the checkpoints; should the database not answer, as soon as it does."""
        places = {(p.topic, p.partition) for p in assigned}
        self._following.expect(places)
        self._hold(places)
        self._replay |= places
        self._joined = True
        try:
            async with asyncio.timeout(LONGEST_PAUSE_SECONDS):
                await self._load()
        except Exception as problem:
            log.warning("checkpoints_wait", consumer=self._taker.consumer, error=type(problem).__name__)
        self._wanted.set()

    async def _load(self) -> None:
        for (topic, partition), offset in (await self._following.load()).items():
            with suppress(IllegalStateError):  # not ours any more
                if self._consumer is not None:
                    self._consumer.seek(TopicPartition(topic, partition), offset)
                    self._consumer.resume(TopicPartition(topic, partition))

    def _hold(self, places: Collection[tuple[str, int]]) -> None:
        for topic, partition in places:
            with suppress(IllegalStateError):
                if self._consumer is not None:
                    self._consumer.pause(TopicPartition(topic, partition))

    async def _receive(self, records: tuple[ConsumerRecord, ...]) -> None:
        async with self._turn:
            runs, seeks = self._following.sort(records)
            try:
                if runs:
                    await self._taker.take(runs)
                    metrics.APPLIED.labels(self._taker.consumer).inc(sum(len(run.items) for run in runs))
                self._pauses = 0
            except Exception as problem:
                await self._begin_anew({run.place for run in runs} | seeks.keys(), problem)
                return
            for (topic, partition), offset in seeks.items():
                with suppress(IllegalStateError):
                    if self._consumer is not None:
                        self._consumer.seek(TopicPartition(topic, partition), offset)

    async def _begin_anew(self, places: Collection[tuple[str, int]], problem: Exception) -> None:
        """Hold these partitions until their checkpoints are read again; `_keep` sees to that after a pause."""
        if isinstance(problem, Overtaken):
            metrics.OVERTAKEN.labels(self._taker.consumer).inc()
            log.info("consumer_overtaken", consumer=self._taker.consumer, at=str(problem))
        else:
            self._pauses += 1
            metrics.FAILURES.labels(self._taker.consumer).inc()
            error = f"{type(problem).__name__}: {problem}"[:300]
            log.warning("consumer_waits", consumer=self._taker.consumer, error=error, attempt=self._pauses)
        self._following.doubt(places)
        self._hold(places)
        self._wanted.set()

    def _asked(self, _channel: str, consumer: str) -> None:
        if consumer == self._taker.consumer:
            self._replay |= self._following.places()
            self._wanted.set()

    async def _keep(self) -> None:
        """Load what is in doubt, replay what is asked for, and look again where messages are missing."""
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                    await self._wanted.wait()
            except TimeoutError:
                await self._look_again()
            self._wanted.clear()
            await asyncio.sleep(_pause(self._pauses) if self._pauses else 0)
            try:
                await self._load()
                places = self._replay & self._following.places()
                if places:
                    async with self._turn:
                        await self._taker.replay(places)
                    self._replay -= places
            except Exception as problem:
                self._pauses += 1
                log.warning("consumer_waits", consumer=self._taker.consumer, error=f"{type(problem).__name__}: {problem}"[:300])
                self._wanted.set()

    async def _look_again(self) -> None:
        """Where messages are missing an operator may have moved the checkpoint: read it again."""
        with suppress(Exception):
            moved = await self._following.moved_elsewhere()
            if moved:
                self._following.doubt(moved)

    async def _acknowledge(self) -> None:
        """Tell Kafka now and then where we are, for its lag monitors: nothing is decided by it."""
        while True:
            await asyncio.sleep(ACK_SECONDS)
            try:
                await self._commit(ACK_SECONDS)
            except Exception as problem:
                log.info("acknowledge_failed", consumer=self._taker.consumer, error=type(problem).__name__)

    async def _commit(self, seconds: float) -> None:
        offsets = {TopicPartition(*place): offset for place, offset in self._following.unacknowledged().items()}
        if offsets and self._consumer is not None:
            await asyncio.wait_for(self._consumer.commit(offsets), seconds)
            self._following.acknowledged({(p.topic, p.partition): offset for p, offset in offsets.items()})


async def _patiently(getmany: Any, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> Any:
    return await getmany(*partitions, timeout_ms=max(timeout_ms, IDLE_MS), max_records=max_records)


def _pause(attempt: int) -> float:
    """Return seconds to wait: 0.1, 0.2, 0.4, ... up to LONGEST_PAUSE_SECONDS, spread."""
    return min(0.1 * 2.0 ** min(attempt, 10), LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0)
