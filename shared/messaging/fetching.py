"""aiokafka's fetcher, with records of no more than is read of them.

For each record aiokafka makes one of eleven fields and measures key and value: that takes twice as long as parsing it.
"""

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords

from shared.kernel.record import record


@record
class Fetched:
    """A record as it came; see envelope.Raw."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class LeanFetcher(Fetcher):  # type: ignore[misc] # aiokafka carries no types
    """Hands over `Fetched`."""

    async def _proc_fetch_request(self, assignment: Any, node_id: Any, request: Any) -> Any:
        came = await super()._proc_fetch_request(assignment, node_id, request)
        for found in self._records.values():
            if isinstance(found, FetchResult) and found.has_more():
                found._partition_records.__class__ = _Lean
        return came


class _Lean(PartitionRecords):  # type: ignore[misc] # aiokafka carries no types
    def _consumer_record(self, tp: TopicPartition, found: Any) -> Fetched:
        return Fetched(tp.topic, tp.partition, found.offset, found.key, found.value, found.headers)


def lean(consumer: AIOKafkaConsumer, kind: type[LeanFetcher] = LeanFetcher) -> Any:
    """Have a started consumer fetch in this way, which cannot be chosen; returns its fetcher."""
    fetcher = consumer._fetcher
    fetcher.__class__ = kind
    return fetcher
