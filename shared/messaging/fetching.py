"""aiokafka's fetcher, which hands over messages: a record is opened as soon as it is parsed.

aiokafka hands over records, in lists. A record is fourteen headers in some forty objects: thousands of them at once
fall out of every cache, and cost more than parsing and opening, where each is gone before the next one comes.
"""

from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords

from shared.messaging.envelope import Content, Foreign, Item, opened

#: What a consumer brings; a record that no relay of ours wrote comes as the exception that says so.
Found = Item | Foreign


class OpeningFetcher(Fetcher):  # type: ignore[misc] # aiokafka carries no types
    """Opens what it has fetched when somebody asks for it."""

    async def _proc_fetch_request(self, assignment: Any, node_id: Any, request: Any) -> Any:
        came = await super()._proc_fetch_request(assignment, node_id, request)
        for result in self._records.values():
            if isinstance(result, FetchResult) and result.has_more():
                result._partition_records.__class__ = _Opened
        return came


class AheadFetcher(OpeningFetcher):
    """Asks for more of a partition as soon as all of it is taken.

    aiokafka waits until all is taken that the same broker has sent, at most this many seconds.
    """

    @property
    def _prefetch_backoff(self) -> float:
        return 0.0


class _Opened(PartitionRecords):  # type: ignore[misc] # aiokafka carries no types
    def _consumer_record(self, tp: TopicPartition, raw: Content) -> Found:
        return _found(tp.topic, tp.partition, raw)


def open_records(consumer: AIOKafkaConsumer, kind: type[OpeningFetcher] = OpeningFetcher) -> Any:
    """Have a started consumer bring `Found` from its next question on; returns its fetcher, which cannot be chosen."""
    fetcher = consumer._fetcher
    fetcher.__class__ = kind
    return fetcher


def all_opened(brought: Iterable[Any]) -> tuple[Found, ...]:
    """Open what has been asked for before `open_records`."""
    return tuple(_found(each.topic, each.partition, each) if type(each) is ConsumerRecord else each for each in brought)


def _found(topic: str, partition: int, raw: Content) -> Found:
    try:
        return opened(topic, partition, raw)
    except Foreign as problem:
        return problem
