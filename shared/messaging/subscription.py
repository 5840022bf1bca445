"""One batch subscriber of FastStream over several topics, with all its lenient defaults turned off."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from faststream.middlewares import AckPolicy

from shared.messaging.checkpoint import Place
from shared.messaging.fetching import Found, OpeningFetcher, all_opened, open_records

IDLE_MS = 5_000
#: How long the broker may hold a question that it has no answer to: one that leaves partitions out, one about all, and
#: one where nothing has come for a while. Nothing else is asked of it meanwhile, after a seek or a rebalance neither.
SHORT_FETCH_MS = 20
FETCH_MS = 500
CALM_FETCH_MS = 8_000
CALM_AFTER_SECONDS = 10.0
ROUTINE_MS = 5_000  # aiokafka's background routine looks around this often though nothing has happened
STOP_SECONDS = 10.0

Receive = Callable[[tuple[Found, ...]], Awaitable[None]]


class Subscription:
    """Membership in a consumer group. Partitions that are not ours (any more) are left alone silently."""

    def __init__(
        self,
        bootstrap: str,
        group: str,
        topics: Sequence[str],
        receive: Receive,
        listener: ConsumerRebalanceListener,
        batch: int,
    ) -> None:
        self._broker = KafkaBroker(
            bootstrap, logger=None, apply_types=False, consumer_only=True, graceful_timeout=STOP_SECONDS / 2
        )
        self._subscriber = self._broker.subscriber(
            *topics, group_id=group, batch=True, max_records=batch, batch_timeout_ms=1, auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL, listener=listener, no_reply=True, parser=_parse, decoder=_decode,
            session_timeout_ms=9_000, heartbeat_interval_ms=3_000, fetch_max_wait_ms=FETCH_MS,
            consumer_timeout_ms=ROUTINE_MS,
        )  # fmt: skip
        self._subscriber(receive)

    @property
    def _consumer(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer

    async def start(self) -> None:
        """Join the group; raises KafkaError, OSError, TimeoutError, and may then be tried again."""
        try:
            await self._broker.start()
        except BaseException:
            with suppress(Exception):
                await self.stop()
            raise
        # FastStream sleeps after an empty poll as long as that poll has waited: let the poll alone be long.
        assert self._consumer is not None
        fetcher = open_records(self._consumer, _Attentive)
        fetcher.heard_at, fetcher.wanted = time.monotonic(), False
        self._consumer.getmany = partial(_patiently, fetcher, self._consumer.getmany)

    async def stop(self) -> None:
        """Finish the batch in hand and leave; TimeoutError after STOP_SECONDS, when all is left as it is."""
        await asyncio.wait_for(self._broker.stop(), STOP_SECONDS)

    def seek(self, offsets: Mapping[Place, int]) -> None:
        """Go on from these offsets, held or not."""
        for place, offset in offsets.items():
            with suppress(IllegalStateError):
                if self._consumer is not None:
                    self._consumer.seek(TopicPartition(*place), offset)
                    self._consumer.resume(TopicPartition(*place))

    def hold(self, places: Collection[Place]) -> None:
        """Bring nothing of these until the next seek."""
        for place in places:
            with suppress(IllegalStateError):
                if self._consumer is not None:
                    self._consumer.pause(TopicPartition(*place))

    async def commit(self, offsets: Mapping[Place, int], seconds: float) -> None:
        """Tell Kafka where we are; without the limit it would wait for a coordinator without end."""
        if self._consumer is not None and offsets:
            told = {TopicPartition(*place): offset for place, offset in offsets.items()}
            await asyncio.wait_for(self._consumer.commit(told), seconds)


async def _parse(raw: Any) -> KafkaMessage:
    """Wrap a batch without looking into it: FastStream's own parser decodes all headers, and dies of bad ones."""
    return KafkaMessage(body=b"", headers={}, raw_message=raw, consumer=FAKE_CONSUMER)


async def _decode(message: KafkaMessage) -> Any:
    return all_opened(message.raw_message)


class _Attentive(OpeningFetcher):
    """Asks when somebody waits for the answer, soon again for what it left out, and seldom where all is quiet.

    aiokafka asks ahead: what it holds by the time a step is done is what was there when the step began, and what came
    meanwhile has to wait for one step more. And it asks a broker one thing at a time, without the partitions whose
    records it still holds: what comes next there would wait until the broker gives that question up.
    """

    heard_at: float
    wanted: bool

    def _get_actions_per_node(self, assignment: Any) -> Any:
        fetches, *others = super()._get_actions_per_node(assignment)
        return (fetches if self.wanted else [], *others)

    @property
    def _fetch_max_wait_ms(self) -> int:
        now = time.monotonic()
        if self._records:
            self.heard_at = now
            return SHORT_FETCH_MS
        return FETCH_MS if now - self.heard_at < CALM_AFTER_SECONDS else CALM_FETCH_MS


async def _patiently(
    fetcher: _Attentive,
    getmany: Any,
    *partitions: TopicPartition,
    timeout_ms: int = 0,
    max_records: int | None = None,
) -> Any:
    fetcher.wanted = True
    fetcher._notify(fetcher._wait_consume_future)
    try:
        return await getmany(*partitions, timeout_ms=max(timeout_ms, IDLE_MS), max_records=max_records)
    finally:
        fetcher.wanted = False
