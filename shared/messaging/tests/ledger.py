"""A taker of the tests: it writes down each message that it takes, with the checkpoint, in one transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from shared.eventstore.database import Database
from shared.messaging import checkpoint
from shared.messaging.batches import Run, step
from shared.messaging.checkpoint import Place
from shared.messaging.envelope import Item

DDL = """
CREATE TABLE took (id bigint GENERATED ALWAYS AS IDENTITY, partition integer, epoch text, number bigint, value bytea);
GRANT SELECT, INSERT ON took TO PUBLIC"""


@dataclass
class Ledger:
    database: Database
    consumer: str = "ledger"
    fail: list[Exception] = field(default_factory=list)  # to be raised, one at each try
    fail_settling: list[Exception] = field(default_factory=list)
    settled: int = 0
    replays: list[Collection[Place]] = field(default_factory=list)

    async def take(self, runs: Sequence[Run]) -> None:
        async with self.database.pool.acquire() as connection, connection.transaction():
            await checkpoint.move(connection, [step(self.consumer, r, r.after.number, r.items[-1]) for r in runs])
            await connection.executemany(
                "INSERT INTO took (partition, epoch, number, value) VALUES ($1, $2, $3, $4)",
                [row(item) for run in runs for item in run.items],
            )
            if self.fail:
                raise self.fail.pop()

    async def settle(self) -> None:
        if self.fail_settling:
            raise self.fail_settling.pop()
        self.settled += 1

    async def replay(self, places: Collection[Place]) -> None:
        self.replays.append(places)

    async def took(self) -> dict[int, list[int]]:
        """Return the numbers that were taken on each partition, in order."""
        found: dict[int, list[int]] = {}
        for r in await self.database.fetch("SELECT partition, number FROM took ORDER BY id"):
            found.setdefault(r["partition"], []).append(r["number"])
        return found

    async def count(self) -> int:
        """Return how many messages were taken."""
        return int(await self.database.fetchval("SELECT count(*) FROM took"))


def row(item: Item) -> tuple[int, str, int, bytes]:
    return item.partition, item.epoch, item.number, item.value
