"""Append: the only way to write. One appender per process gathers entries into one transaction: group commit."""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass
from itertools import chain, islice

import structlog

from shared.eventstore import metrics
from shared.eventstore.commit import Committer
from shared.eventstore.database import AWAY, Database
from shared.eventstore.entry import Entry, Outcome, Reckoned
from shared.eventstore.world import touched

log = structlog.get_logger()

BATCH_LIMIT = 256
LANES = 2  # a third would wait for the lock of the second, and not always in its turn
WORTH_A_STATEMENT = 24  # entries; fewer wait until what is under way has landed

Item = tuple[Entry, asyncio.Future[Outcome]]


class Overloaded(Exception):
    """The queue is full: refused before anything was tried."""


class StoreAway(Exception):
    """PostgreSQL did not answer: whether the entry is committed is not known."""


@dataclass(slots=True, eq=False)
class Flight:
    """What is sent together, and the names of what it must not share with another that is under way."""

    items: list[Item]
    touched: set[tuple[str, ...]]


class Appender:
    """Owns the connections that write. `append` may be called by any number of tasks at once."""

    def __init__(self, database: Database, service: str, queue: int = 2_048) -> None:
        self._committer = Committer(database, service)
        self._limit = queue
        self._waiting: deque[Item] = deque()
        self._under_way: list[Flight] = []
        self._lanes: list[asyncio.Task[None]] = []
        self._resting: list[asyncio.Future[None]] = []  # lanes that have nothing to send

    async def start(self) -> None:
        """Begin to take entries; a connection is opened with the first batch that needs it."""
        self._lanes = [asyncio.create_task(self._lane(), name="appender") for _ in range(LANES)]

    async def stop(self) -> None:
        """Finish what is queued, within ten seconds, and close."""
        if self._lanes:
            items = chain(self._waiting, *(flight.items for flight in self._under_way))
            if unanswered := [answered for _, answered in items]:
                await asyncio.wait(unanswered, timeout=10)
            for lane in self._lanes:
                lane.cancel()
            await asyncio.gather(*self._lanes, return_exceptions=True)
        for _, answered in self._waiting:
            if not answered.done():
                answered.set_exception(StoreAway("stopped"))
        self._committer.hang_up()

    def reckon(self) -> Reckoned | None:
        """Return what epoch and time the store has, without asking it; None where that is not to be relied on."""
        return self._committer.reckon()

    async def append(self, entry: Entry) -> Outcome:
        """Commit the entry whole or learn why not; raises Overloaded, StoreAway."""
        if len(self._waiting) >= self._limit:
            raise Overloaded
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, answered))
        self._stir()
        return await answered

    async def _lane(self) -> None:
        while True:
            flight = self._next()
            if flight is None:
                self._resting.append(asyncio.get_running_loop().create_future())
                await self._resting[-1]
                continue
            self._under_way.append(flight)
            if flight.items:
                await self._settle(flight.items)
            self._under_way.remove(flight)
            await asyncio.sleep(0)  # who was answered goes on first: the next batch wakes PostgreSQL on this core

    def _stir(self) -> None:
        while self._resting:
            rest = self._resting.pop()
            if not rest.done():  # a lane that was stopped
                rest.set_result(None)
                return

    def _next(self) -> Flight | None:
        """Take what is to be sent now: half of what waits where the other half can follow, None where all has to wait.

        Behind a batch that is under way goes only what is worth a statement and does not touch what that one does.
        """
        waiting, alone = len(self._waiting), not self._under_way
        in_pairs = self._committer.sure and waiting >= WORTH_A_STATEMENT * (2 if alone else 1)
        if not waiting or not (alone or (in_pairs and len(self._under_way) < LANES)):
            return None
        count = min(BATCH_LIMIT, waiting // 2 if alone and in_pairs else waiting)
        names = touched(entry for entry, _ in islice(self._waiting, count))
        if not all(names.isdisjoint(flight.touched) for flight in self._under_way):
            return None
        items = [self._waiting.popleft() for _ in range(count)]
        metrics.QUEUED.set(len(self._waiting))
        return Flight([item for item in items if not item[1].done()], names)

    async def _settle(self, batch: list[Item]) -> None:
        try:
            outcomes = await self._committer.commit([entry for entry, _ in batch])
        except asyncio.CancelledError:
            for _, answered in batch:
                if not answered.done():
                    answered.set_exception(StoreAway("stopped"))
            raise
        except AWAY as problem:
            log.warning("store_away", error=type(problem).__name__)
            for _, answered in batch:
                if not answered.done():
                    answered.set_exception(StoreAway(str(problem)))
        except Exception as problem:  # a statement of one entry failed: the others must not suffer for it
            if len(batch) > 1:
                for item in batch:
                    await self._settle([item])
            elif not batch[0][1].done():
                batch[0][1].set_exception(problem)
        else:
            for kind, count in Counter(map(type, outcomes)).items():
                metrics.ENTRIES.labels(kind.__name__.lower()).inc(count)
            for (_, answered), outcome in zip(batch, outcomes, strict=True):
                if not answered.done():
                    answered.set_result(outcome)
