"""Deadlines: what is to happen at a time. Read without a lock; the entry that fires one expects it to be open."""

import asyncio
from functools import partial

import structlog

from shared.eventstore.append import Overloaded, StoreAway
from shared.eventstore.database import AWAY
from shared.eventstore.entry import Metadata
from shared.eventstore.execute import Busy, DeadlineGone, Store
from shared.eventstore.handlers import DeadlineHandlers, Reply
from shared.eventstore.work import Work
from shared.kernel.ids import new_id
from shared.kernel.rejected import Rejected

log = structlog.get_logger()

DUE = "SELECT id, kind, subject FROM deadlines WHERE due_at <= store_now() ORDER BY due_at, id LIMIT 200"
KEEP_ANSWERS = "DELETE FROM answers WHERE recorded_at < store_now() - interval '7 days'"
POLL_SECONDS = 1.0
TIDY_SECONDS = 600.0


class DeadlineRunner:
    """Fires what is due, each in an append of its own; any number of replicas may run."""

    def __init__(self, store: Store, handlers: DeadlineHandlers) -> None:
        self._store = store
        self._handlers = handlers
        self.fired = self.failed = 0

    async def run(self) -> None:
        """Poll each second, until cancelled; what fails stays due and is tried again."""
        loop = asyncio.get_running_loop()
        tidy_at = loop.time()
        while True:
            try:
                await self.fire_due()
                if loop.time() >= tidy_at:
                    tidy_at = loop.time() + TIDY_SECONDS
                    await self._store.database.execute(KEEP_ANSWERS)
            except (*AWAY, StoreAway) as problem:
                log.warning("deadlines_wait", error=type(problem).__name__)
            await asyncio.sleep(POLL_SECONDS)

    async def fire_due(self) -> int:
        """Fire what is due now, oldest first; returns how many were fired. A failing one holds up no other."""
        fired = 0
        for row in await self._store.database.fetch(DUE):
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
