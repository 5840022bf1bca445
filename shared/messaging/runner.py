"""The consumer runner: FastStream brings batches, numbers decide what each record is, a taker makes it an effect.

Nothing here trusts Kafka's offsets. A partition is followed from its checkpoint; when an effect fails, for whatever
reason, what this process believes is thrown away, and the checkpoint is read again after a pause.
"""

import asyncio
import random
from collections.abc import Collection, Sequence
from contextlib import suppress

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition

from shared.eventstore.database import Database
from shared.eventstore.execute import Overtaken
from shared.eventstore.listening import listen
from shared.messaging import metrics
from shared.messaging.batches import CALM, Pace, Taker
from shared.messaging.checkpoint import Place
from shared.messaging.fetching import Found
from shared.messaging.following import Following
from shared.messaging.resting import Rest
from shared.messaging.subscription import Subscription

log = structlog.get_logger()

SETTLE_SECONDS = 1.0
ACK_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 5.0


class Runner(ConsumerRebalanceListener):  # type: ignore[misc]
    """One consumer in this process, following its share of the partitions of `topics`."""

    def __init__(
        self, database: Database, bootstrap: str, group: str, topics: Sequence[str], taker: Taker, pace: Pace = CALM
    ) -> None:
        """`group`: Kafka's name for all processes that share this consumer's partitions."""
        self._database = database
        self._taker = taker
        self._rest = Rest(pace.rest_seconds, pace.patience, pace.batch)
        self._following = Following(database, taker.consumer)
        self._subscription = Subscription(bootstrap, group, topics, self._receive, self, pace.batch)
        self._turn = asyncio.Lock()  # batches and replays of one process never overlap
        self._wanted = asyncio.Event()  # something for _keep to do
        self._replay: set[Place] = set()
        self._settling: asyncio.Task[None] | None = None
        self._pauses = 0
        self._joined = False

    def troubles(self) -> list[str]:
        """Say why this consumer is not ready; empty where it is."""
        if not self._joined:
            return ["not yet a member of its group"]
        return self._following.troubles()

    async def run(self) -> None:
        """Consume until cancelled, then stop within some ten seconds."""
        tasks = [
            asyncio.create_task(self._keep()),
            asyncio.create_task(self._acknowledge()),
            asyncio.create_task(listen(self._database, self._asked, "replay")),
        ]
        try:
            await self._start()
            await asyncio.gather(*tasks)
        finally:
            tasks += [self._settling] if self._settling else []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._stop()

    async def _start(self) -> None:
        attempt = 0
        while True:
            try:
                return await self._subscription.start()
            except Exception as problem:
                attempt += 1
                self._waits(problem, attempt)
                await asyncio.sleep(_pause(attempt))

    async def _stop(self) -> None:
        with suppress(Exception):
            await self._subscription.commit(self._following.unacknowledged(), 1.0)
        try:
            await self._subscription.stop()
        except Exception as problem:
            log.warning("consumer_stopped_hard", consumer=self._taker.consumer, error=type(problem).__name__)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Forget what we know: somebody else follows these now."""
        self._following.forget({(p.topic, p.partition) for p in revoked})

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Begin at the checkpoints; should the database not answer, as soon as it does."""
        places = {(p.topic, p.partition) for p in assigned}
        self._following.expect(places)
        self._subscription.hold(places)
        self._replay |= places
        self._joined = True
        try:
            async with asyncio.timeout(LONGEST_PAUSE_SECONDS):
                self._subscription.seek(await self._following.load())
        except Exception as problem:
            self._waits(problem, 1)
        self._wanted.set()

    async def _receive(self, records: tuple[Found, ...]) -> None:
        async with self._turn:
            runs, seeks = self._following.sort(records)
            try:
                if runs:
                    self._settling = self._settling or asyncio.create_task(self._settle())
                    await self._taker.take(runs)
                    metrics.APPLIED.labels(self._taker.consumer).inc(sum(len(run.items) for run in runs))
                self._pauses = 0
            except Exception as problem:
                self._begin_anew({run.place for run in runs} | seeks.keys(), problem)
            else:
                self._subscription.seek(seeks)
        await self._rest.take(len(records))

    async def _settle(self) -> None:
        await asyncio.sleep(SETTLE_SECONDS)
        self._settling = None
        async with self._turn:
            try:
                await self._taker.settle()
            except Exception as problem:
                self._begin_anew(self._following.places(), problem)

    def _begin_anew(self, places: set[Place], problem: Exception) -> None:
        """Hold these partitions until their checkpoints are read again; `_keep` sees to that after a pause."""
        if isinstance(problem, Overtaken):
            metrics.OVERTAKEN.labels(self._taker.consumer).inc()
            log.info("consumer_overtaken", consumer=self._taker.consumer, at=str(problem))
        else:
            self._pauses += 1
            self._waits(problem, self._pauses)
        self._following.doubt(places)
        self._subscription.hold(places)
        self._wanted.set()

    def _waits(self, problem: Exception, attempt: int) -> None:
        metrics.FAILURES.labels(self._taker.consumer).inc()
        error = f"{type(problem).__name__}: {problem}"[:300]
        log.warning("consumer_waits", consumer=self._taker.consumer, error=error, attempt=attempt)

    def _asked(self, _channel: str, consumer: str) -> None:
        if consumer == self._taker.consumer:
            self._replay |= self._following.places()
            self._wanted.set()

    async def _keep(self) -> None:
        """Read the checkpoints that are in doubt, replay what is asked for, look again where messages are missing."""
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                    await self._wanted.wait()
            except TimeoutError:
                await self._look_again()
            self._wanted.clear()
            if self._pauses:
                await asyncio.sleep(_pause(self._pauses))
            try:
                self._subscription.seek(await self._following.load())
                places = self._replay & self._following.places()
                if places:
                    async with self._turn:
                        await self._taker.replay(places)
                    self._replay -= places
            except Exception as problem:
                self._pauses += 1
                self._waits(problem, self._pauses)
                self._wanted.set()

    async def _look_again(self) -> None:
        """Where messages are missing an operator may have moved the checkpoint: read it again."""
        with suppress(Exception):
            self._following.doubt(await self._following.moved_elsewhere())

    async def _acknowledge(self) -> None:
        """Tell Kafka now and then where we are, for its lag monitors: nothing is decided by it."""
        while True:
            await asyncio.sleep(ACK_SECONDS)
            offsets = self._following.unacknowledged()
            try:
                await self._subscription.commit(offsets, ACK_SECONDS)
                self._following.acknowledged(offsets)
            except Exception as problem:
                log.info("acknowledge_failed", consumer=self._taker.consumer, error=type(problem).__name__)


def _pause(attempt: int) -> float:
    """Return seconds to wait: 0.1, 0.2, 0.4, ... up to LONGEST_PAUSE_SECONDS, spread."""
    return min(0.1 * 2.0 ** min(attempt, 10), LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0)
