"""The partitions that one process follows for a consumer: what it believes of each, and what it makes of records."""

from collections.abc import Collection, Iterable, Sequence

import structlog

from shared.eventstore.database import Database
from shared.messaging import checkpoint, metrics, turns
from shared.messaging.batches import Run
from shared.messaging.checkpoint import Checkpoint, Place, Track, Verdict
from shared.messaging.envelope import Foreign, Item
from shared.messaging.fetching import Found

log = structlog.get_logger()


class Following:
    """No I/O with Kafka in here: the runner seeks where it is told to."""

    def __init__(self, database: Database, consumer: str) -> None:
        self._database = database
        self._consumer = consumer
        self._tracks: dict[Place, Track] = {}
        self._doubtful: set[Place] = set()  # ours, but the checkpoint is to be read
        self._acknowledged: dict[Place, int] = {}
        self._alarmed: set[Place] = set()

    def places(self) -> set[Place]:
        """Return the partitions whose checkpoints are known."""
        return set(self._tracks)

    def troubles(self) -> list[str]:
        """Say on which partitions nothing is applied, and why."""
        return [f"{topic}[{partition}]: checkpoint not read" for topic, partition in sorted(self._doubtful)] + [
            f"{topic}[{partition}]: missing the message after {self._tracks[topic, partition].checkpoint.number}"
            for topic, partition in sorted(checkpoint.missing(self._tracks))
        ]

    def expect(self, places: Collection[Place]) -> None:
        """These are ours now, and no others."""
        self._tracks.clear()
        self._doubtful = set(places)
        self._acknowledged.clear()

    def forget(self, places: Collection[Place]) -> None:
        """These are not ours any more."""
        for where in places:
            self._tracks.pop(where, None)
            self._doubtful.discard(where)
        self._raise_alarms()

    def doubt(self, places: Collection[Place]) -> None:
        """Throw away what is believed of these, where they are still ours."""
        for where in places:
            if self._tracks.pop(where, None) is not None:
                self._doubtful.add(where)

    async def load(self) -> dict[Place, int]:
        """Read the checkpoints of all that is doubtful; returns the offsets to go on from."""
        places = set(self._doubtful)
        if not places:
            return {}
        read = await self._read(places)
        places &= self._doubtful  # some may have been taken from us meanwhile
        self._tracks |= {where: read[where] for where in places}
        self._doubtful -= places
        return {where: read[where].checkpoint.next_offset for where in places}

    async def _read(self, places: Collection[Place]) -> dict[Place, Track]:
        """Return what the database says of these."""
        async with self._database.pool.acquire() as connection:
            found = await checkpoint.read(connection, self._consumer)
            known = {topic: await turns.read(connection, topic) for topic in {topic for topic, _ in places}}
        return {(t, p): Track(found.get((t, p), Checkpoint()), known[t], p) for t, p in places}

    async def moved_elsewhere(self) -> list[Place]:
        """Return where messages are missing for us, and the database says something else than we believe."""
        missing = checkpoint.missing(self._tracks)
        if not missing:
            return []
        read = await self._read(missing)
        return [w for w in missing if (here := self._tracks.get(w)) is not None and not here.begins_as(read[w])]

    def sort(self, found: Iterable[Found]) -> tuple[Sequence[Run], dict[Place, int]]:
        """Return what is to be applied, and where to seek after that. Counts it as applied: see `doubt`."""
        begun: dict[Place, Checkpoint] = {}
        items: dict[Place, list[Item]] = {}
        seeks: dict[Place, int] = {}
        again: dict[Place, int] = {}
        for item in found:
            where = item.topic, item.partition
            track = self._tracks.get(where)
            if track is None or where in seeks:
                continue  # the seek will bring it again
            if isinstance(item, Foreign):
                metrics.FOREIGN.labels(self._consumer).inc()
                log.error("foreign_record", consumer=self._consumer, error=str(item))
                continue
            before = track.checkpoint
            match track.judge(item.epoch, item.number, item.offset):
                case Verdict.APPLY:
                    begun.setdefault(where, before)
                    items.setdefault(where, []).append(item)
                case Verdict.FOUND:
                    begun.setdefault(where, before)
                    items.setdefault(where, []).append(item)
                    seeks[where] = again[where] = track.seek_to
                case Verdict.SKIP:
                    metrics.DUPLICATES.labels(self._consumer).inc()
                case Verdict.SEEK:
                    seeks[where] = track.seek_to
                case Verdict.DROP:
                    pass
        self._raise_alarms()
        runs = [
            Run(*where, begun[where], tuple(taken), again.get(where), self._tracks[where].checkpoint.epoch)
            for where, taken in items.items()
        ]
        return runs, seeks

    def _raise_alarms(self) -> None:
        missing = set(checkpoint.missing(self._tracks))
        for topic, partition in missing - self._alarmed:
            here = self._tracks[topic, partition].checkpoint
            log.error("messages_missing", consumer=self._consumer, topic=topic, partition=partition,
                      after=here.number, epoch=here.epoch)  # fmt: skip
        for topic, partition in self._alarmed - missing:
            log.info("messages_found", consumer=self._consumer, topic=topic, partition=partition)
        self._alarmed = missing
        metrics.BLOCKED.labels(self._consumer).set(len(missing))

    def unacknowledged(self) -> dict[Place, int]:
        """Return the offsets to tell Kafka, where they have changed."""
        offsets = {where: track.checkpoint.next_offset for where, track in self._tracks.items()}
        return {where: offset for where, offset in offsets.items() if self._acknowledged.get(where, 0) != offset}

    def acknowledged(self, offsets: dict[Place, int]) -> None:
        """Remember what Kafka has been told."""
        self._acknowledged.update(offsets)
