"""Append: the only way to write. One appender per process gathers entries into one transaction: group commit."""

import asyncio
from collections import Counter, deque
from contextlib import suppress

import structlog

from shared.eventstore import metrics
from shared.eventstore.commit import Committer
from shared.eventstore.database import AWAY, Database
from shared.eventstore.entry import Entry, Outcome, Reckoned

log = structlog.get_logger()

BATCH_LIMIT = 256


class Overloaded(Exception):
    """The queue is full: refused before anything was tried."""


class StoreAway(Exception):
    """PostgreSQL did not answer: whether the entry is committed is not known."""


class Appender:
    """Owns the connection that writes. `append` may be called by any number of tasks at once."""

    def __init__(self, database: Database, service: str, queue: int = 2_048) -> None:
        self._committer = Committer(database, service)
        self._limit = queue
        self._waiting: deque[tuple[Entry, asyncio.Future[Outcome]]] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to take entries; the connection is opened with the first batch."""
        self._task = asyncio.create_task(self._run(), name="appender")

    async def stop(self) -> None:
        """Finish what is queued, within ten seconds, and close."""
        if self._task is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await asyncio.gather(*(answered for _, answered in self._waiting), return_exceptions=True)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
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
        self._wake.set()
        return await answered

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH_LIMIT, len(self._waiting)))]
                metrics.QUEUED.set(len(self._waiting))
                batch = [item for item in batch if not item[1].done()]
                if batch:
                    await self._settle(batch)
                    await asyncio.sleep(0)  # who was answered goes first: the next batch wakes PostgreSQL on this core

    async def _settle(self, batch: list[tuple[Entry, asyncio.Future[Outcome]]]) -> None:
        try:
            outcomes = await self._committer.commit([entry for entry, _ in batch])
        except asyncio.CancelledError:
            for _, answered in batch:
                if not answered.done():
                    answered.set_exception(StoreAway("stopped"))
            raise
        except AWAY as problem:
            self._committer.hang_up()
            log.warning("store_away", error=type(problem).__name__)
            for _, answered in batch:
                if not answered.done():
                    answered.set_exception(StoreAway(str(problem)))
        except Exception as problem:  # a statement of one entry failed: the others must not suffer for it
            self._committer.forget()
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
