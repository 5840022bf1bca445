"""The messages of topics from the first one on, each once and in order, up to given checkpoints."""

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.eventstore.database import AnyConnection
from shared.messaging import checkpoint, turns
from shared.messaging.batches import Run
from shared.messaging.checkpoint import Checkpoint, Place, Track, Verdict
from shared.messaging.envelope import Foreign, Item
from shared.messaging.fetching import AheadFetcher, open_records
from shared.messaging.topics import PARTITIONS

STUCK_SECONDS = 30.0


class Stuck(Exception):
    """A topic does not bring what somebody else has seen there."""


class History:
    """Reads without a group; nothing is told to Kafka."""

    def __init__(self, bootstrap: str, topics: Sequence[str]) -> None:
        self.places = [(topic, partition) for topic in topics for partition in range(PARTITIONS)]
        self._kafka = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        self._tracks: dict[Place, Track] = {}
        self._read: dict[Place, list[Item]] = {}

    @property
    def passed(self) -> int:
        """How many messages have been brought: their numbers are dense."""
        return sum(track.checkpoint.number for track in self._tracks.values())

    async def start(self) -> None:
        """Connect to Kafka."""
        await self._kafka.start()
        open_records(self._kafka, AheadFetcher)
        self._kafka.assign([TopicPartition(*where) for where in self.places])

    async def stop(self) -> None:
        """Leave Kafka."""
        await self._kafka.stop()

    async def stand(self, connection: AnyConnection, consumer: str) -> None:
        """Go on from where the checkpoints of a consumer are."""
        found = await checkpoint.read(connection, consumer)
        known = {topic: await turns.read(connection, topic) for topic in {topic for topic, _ in self.places}}
        self._tracks = {(t, p): Track(found.get((t, p), Checkpoint()), known[t], p) for t, p in self.places}
        self._read = {where: [] for where in self.places}
        for where, track in self._tracks.items():
            self._kafka.seek(TopicPartition(*where), track.checkpoint.next_offset)
            self._kafka.pause(TopicPartition(*where))

    async def next(self, goal: Mapping[Place, Checkpoint], most: int) -> list[Run]:
        """Return some of the next messages, about so many; none where these checkpoints are reached. Raises Stuck."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + STUCK_SECONDS
        while True:
            behind = [w for w in self.places if self._tracks[w].checkpoint.number < goal.get(w, Checkpoint()).number]
            if not behind:
                return []
            runs = [run for where in behind if (run := self._run(where, goal[where].number))]
            if runs:
                return runs
            if loop.time() > give_up:
                here = self._tracks[behind[0]].checkpoint
                raise Stuck(f"{behind[0][0]}[{behind[0][1]}] does not bring the message after {here.number}")
            await self._gather(goal, most)

    async def _gather(self, goal: Mapping[Place, Checkpoint], most: int) -> None:
        """Read on, until there are so many, or nothing more has come.

        Nothing is asked for of a partition of which enough is there: Kafka would wait for more, and hold all else up.
        """
        gathered = 0
        while gathered < most:
            short = [TopicPartition(*w) for w in self.places if self._last(w) < goal.get(w, Checkpoint()).number]
            if not short:
                break
            self._kafka.resume(*short)
            timeout_ms = 0 if gathered else 1_000
            found = await self._kafka.getmany(*short, timeout_ms=timeout_ms, max_records=most - gathered)
            if not found:
                break
            for where, records in found.items():
                waiting = self._read[where.topic, where.partition]
                waiting += [item for item in records if not isinstance(item, Foreign)]
                gathered += len(records)
                if self._last(where) >= goal[where].number:
                    self._kafka.pause(where)

    def _last(self, where: Place) -> int:
        """Return the number of the last message that is there, folded or not."""
        waiting = self._read[where]
        return waiting[-1].number if waiting else self._tracks[where].checkpoint.number

    def _run(self, where: Place, until: int) -> Run | None:
        track, waiting = self._tracks[where], self._read[where]
        after, again = track.checkpoint, None
        taken = track.follow(waiting, until)
        items = waiting[:taken]
        while taken < len(waiting) and track.checkpoint.number < until:
            item = waiting[taken]
            taken += 1
            verdict = track.judge(item.epoch, item.number, item.offset)
            if verdict in (Verdict.APPLY, Verdict.FOUND):
                items.append(item)
            if verdict in (Verdict.SEEK, Verdict.FOUND):
                again = track.seek_to if verdict is Verdict.FOUND else None
                self._kafka.seek(TopicPartition(*where), track.seek_to)
                taken = len(waiting)
        del waiting[:taken]
        return Run(*where, after, tuple(items), again, track.checkpoint.epoch) if items else None
