"""Deadlines: what is to happen at a time. Read without a lock; the entry that fires one expects it to be open."""

import asyncio
import time
from contextlib import suppress
from functools import partial

import structlog

from shared.eventstore.append import Overloaded, StoreAway
from shared.eventstore.database import AWAY
from shared.eventstore.entry import Metadata
from shared.eventstore.execute import Busy, DeadlineGone, Store
from shared.eventstore.handlers import DeadlineHandlers, Reply
from shared.eventstore.listening import listen
from shared.eventstore.work import Work
from shared.kernel.ids import new_id
from shared.kernel.rejected import Rejected

log = structlog.get_logger()

#: Due now, and what will be within $1 seconds; `left`: seconds until then.
DUE = """
SELECT id, kind, subject, extract(epoch FROM due_at - store_now())::float8 AS left FROM deadlines
 WHERE due_at <= store_now() + make_interval(secs => $1) ORDER BY due_at, id LIMIT 200"""
KEEP_ANSWERS = "DELETE FROM answers WHERE recorded_at < store_now() - interval '7 days'"
PAUSE_SECONDS = 1.0  # between two looks at least
QUIET_SECONDS = 30.0  # between two looks at most, where none is set and none will be due
TIDY_SECONDS = 600.0


class DeadlineRunner:
    """Fires what is due, each in an append of its own; any number of replicas may run."""

    def __init__(self, store: Store, handlers: DeadlineHandlers) -> None:
        self._store = store
        self._handlers = handlers
        self._planned = asyncio.Event()
        self._tidy_at = time.monotonic()
        self._next = 0.0  # seconds from the last look until something is due
        self.fired = self.failed = 0

    async def run(self) -> None:
        """Look when one is set and when the next is due, until cancelled; what fails stays due and is tried again."""
        listening = asyncio.create_task(listen(self._store.database, self._wake, "planned"), name="deadlines")
        try:
            while True:
                self._planned.clear()
                pause = await self._look()
                await asyncio.sleep(PAUSE_SECONDS)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._planned.wait(), max(0.0, pause - PAUSE_SECONDS))
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    def _wake(self, *_: str) -> None:
        self._planned.set()

    async def _look(self) -> float:
        """Fire what is due, tidy now and then, and return in how many seconds to look again."""
        try:
            await self.fire_due()
            if time.monotonic() >= self._tidy_at:
                self._tidy_at = time.monotonic() + TIDY_SECONDS
                await self._store.database.execute(KEEP_ANSWERS)
        except (*AWAY, StoreAway) as problem:
            log.warning("deadlines_wait", error=type(problem).__name__)
            return PAUSE_SECONDS
        return self._next

    async def fire_due(self) -> int:
        """Fire what is due now, oldest first; returns how many were fired. A failing one holds up no other."""
        fired, self._next = 0, QUIET_SECONDS
        for row in await self._store.database.fetch(DUE, QUIET_SECONDS):
            self._next = min(self._next, max(0.0, row["left"]))
            if row["left"] > 0:
                break
            metadata = Metadata(actor=f"system:{row['kind']}", correlation_id=new_id(), reason="deadline")
            handler = self._handlers[row["kind"]]
            try:
                await self._store.execute(partial(_fire, handler, row["subject"]), metadata, fires=row["id"])
                fired += 1
            except DeadlineGone:
                continue
            except (Busy, Overloaded, StoreAway, *AWAY):
                raise
            except (Rejected, Exception):
                self.failed += 1
                log.exception("deadline_failed", kind=row["kind"], deadline=row["id"])
        self.fired += fired
        return fired


async def _fire(handler: object, subject: str, work: Work) -> Reply:
    assert callable(handler)
    await handler(work, subject)
    return {}
