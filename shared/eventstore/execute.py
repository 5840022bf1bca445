"""Executing a unit of work: load, decide, append; again where a stream has moved on; and what the caller is told."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import asyncpg
import orjson
import structlog

from shared.eventstore.append import Appender
from shared.eventstore.codec import Codec
from shared.eventstore.database import AWAY, Database
from shared.eventstore.entry import (
    Answer,
    Committed,
    Conflicted,
    Entry,
    Gone,
    Metadata,
    Mismatched,
    Move,
    Outrun,
    Repeated,
    Request,
    Taken,
)
from shared.eventstore.handlers import Handlers, Reply, on
from shared.eventstore.queues import Queues
from shared.eventstore.read import Deciding, as_of, save_snapshot
from shared.eventstore.states import States
from shared.eventstore.work import Publish, Reader, Work
from shared.kernel.record import record
from shared.kernel.rejected import Rejected

log = structlog.get_logger()

ATTEMPTS = 12


class Busy(Exception):
    """Others kept changing the same streams: nothing was done, try again."""


class KeyReused(Exception):
    """The Idempotency-Key came before with another body."""


class Overtaken(Exception):
    """The checkpoint is not where this consumer thought: load it again. Nothing was done."""


class DeadlineGone(Exception):
    """The deadline was cleared or fired by somebody else. Nothing was done."""


#: Words the answer to a refusal.
Refuse = Callable[[Rejected], Answer]


@record
class Executed:
    """The answer to a command, and whether it was given before."""

    status: int
    body: bytes
    token: str
    repeated: bool


class Store:
    """The event store as a service sees it."""

    def __init__(
        self,
        database: Database,
        appender: Appender,
        events: Codec,
        messages: Codec,
        publish: Publish,
        refuse: Refuse | None = None,
    ) -> None:
        self.database = database
        self.appender = appender
        self._states = States()
        self._reader = Reader(database, self._states, events, messages, publish)
        self._refuse = refuse
        self._queues = Queues()

    async def execute(
        self,
        handler: Callable[[Work], Awaitable[Reply]],
        metadata: Metadata,
        *,
        request: Request | None = None,
        primary: tuple[Deciding, str] | None = None,
        moves: tuple[Move, ...] = (),
        fires: str | None = None,
        success: int = 200,
        final: bool = True,
    ) -> Executed:
        """Run `handler` until what it read still stands at the commit, queued with others of the same `primary`.

        With a `request` a refusal becomes an answer that is kept; without one, or where it is not `final`, it is
        raised, as Rejected. Raises Busy, KeyReused, Overtaken, DeadlineGone, Overloaded (nothing was done) and
        StoreAway (not known).
        """
        refuse = self._refuse if request is not None and final else None
        asked = Entry(metadata, {}, request=request, moves=moves, fires=fires)
        async with self._queues.turn(primary and f"{primary[0].CATEGORY}-{primary[1]}"):
            for attempt in range(ATTEMPTS):
                if attempt:
                    await asyncio.sleep(random.uniform(0, 0.002 * 2 ** min(attempt, 6)))
                # The first try relies on what is remembered. A deadline is due by the store's own time.
                reckoned = None if attempt or fires else self.appender.reckon()
                work = await Work.begin(self._reader, metadata, primary, reckoned)
                executed = await self._attempt(work, handler, asked, success, refuse)
                if executed is not None:
                    return executed
        raise Busy

    async def command(
        self,
        handlers: Handlers,
        command: Any,
        metadata: Metadata,
        request: Request,
        *,
        success: int = 200,
        revision: int | None = None,
        final: bool = True,
    ) -> Executed:
        """Execute a person's command by its type; `revision` is the one that If-Match names. Raises as `execute`."""
        handler = handlers[type(command)]
        primary = handler.primary(command) if isinstance(handler, on) else None

        async def handle(work: Work) -> Reply:
            if revision is not None and primary is not None:
                await work.expect_revision(*primary, revision)
            return await handler(work, command)

        return await self.execute(handle, metadata, request=request, primary=primary, success=success, final=final)

    async def _attempt(
        self, work: Work, handler: Callable[[Work], Awaitable[Reply]], asked: Entry, success: int, refuse: Refuse | None
    ) -> Executed | None:
        try:
            reply = await handler(work)
            entry = work.entry(asked, Answer(success, orjson.dumps(reply)))
        except Exception as problem:
            if isinstance(problem, Rejected) and refuse is not None:
                entry = work.refused(asked, refuse(problem))
            elif work.reckoned is not None:
                self._forget(work)  # what was remembered may be why: read, and see whether it fails again
                return None
            else:
                raise
        outcome = await self.appender.append(entry)
        if isinstance(outcome, Taken):
            taken = work.refusal_of(outcome.claim)
            if refuse is None:
                raise taken
            outcome = await self.appender.append(work.refused(asked, refuse(taken)))
        match outcome:
            case Committed(answer=Answer(status, body, token), epoch=epoch):
                await self._remember(work, epoch)
                return Executed(status, body, token, repeated=False)
            case Repeated(Answer(status, body, token)):
                return Executed(status, body, token, repeated=True)
            case Mismatched():
                raise KeyReused
            case Outrun():
                raise Overtaken
            case Gone():
                raise DeadlineGone
            case Conflicted() | _:
                self._forget(work)
                return None

    async def _remember(self, work: Work, epoch: str) -> None:
        for module, stream, loaded in work.proven():
            try:
                loaded = await save_snapshot(self.database, module, stream, loaded)
            except (*AWAY, asyncpg.PostgresError) as problem:  # it is only for speed, and the next commit tries again
                log.warning("snapshot_not_saved", stream=stream, error=type(problem).__name__)
            self._states.keep(epoch, module, stream, loaded)

    def _forget(self, work: Work) -> None:
        self._states.forget(work.modules.items())

    async def as_of(
        self, module: Deciding, id: str, *, version: int | None = None, time: datetime | None = None
    ) -> tuple[Any, int]:
        """Return state and revision of an object, now or as it stood at a revision or a time."""
        stream = f"{module.CATEGORY}-{id}"
        return await as_of(self.database, self._reader.events, module, stream, version=version, time=time)
