"""Executing a unit of work: load, decide, append; again where a stream has moved on; and what the caller is told."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import orjson

from shared.eventstore.append import Appender
from shared.eventstore.codec import Codec
from shared.eventstore.database import Database
from shared.eventstore.entry import (
    Answer,
    Committed,
    Conflicted,
    Gone,
    Metadata,
    Mismatched,
    Move,
    Outrun,
    Repeated,
    Request,
    Taken,
)
from shared.eventstore.read import Deciding, as_of
from shared.eventstore.work import Publish, Reader, Work
from shared.kernel.record import record
from shared.kernel.rejected import Rejected

Reply = Mapping[str, Any]
Handler = Callable[[Work, Any], Awaitable[Reply]]
Handlers = Mapping[type, Handler]
DeadlineHandlers = Mapping[str, Callable[[Work, str], Awaitable[object]]]

ATTEMPTS = 12


class Busy(Exception):
    """Others kept changing the same streams: nothing was done, try again."""


class KeyReused(Exception):
    """The Idempotency-Key came before with another body."""


class Overtaken(Exception):
    """The checkpoint is not where this consumer thought: load it again. Nothing was done."""


class DeadlineGone(Exception):
    """The deadline was cleared or fired by somebody else. Nothing was done."""


@record
class Executed:
    """The answer to a command, and whether it was given before."""

    status: int
    body: bytes
    token: str
    repeated: bool


class Queues:
    """One queue per subject: commands on one stream wait here, before they load, instead of losing the race after."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def turn(self, subject: str | None) -> AsyncIterator[None]:
        """Hold the subject's queue; None waits for nobody."""
        if subject is None:
            yield
            return
        lock, users = self._locks.get(subject, (asyncio.Lock(), 0))
        self._locks[subject] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks[subject]
            if users == 1:
                del self._locks[subject]
            else:
                self._locks[subject] = (lock, users - 1)


class Store:
    """The event store as a service sees it."""

    def __init__(
        self,
        database: Database,
        appender: Appender,
        events: Codec,
        messages: Codec,
        publish: Publish,
        refuse: Callable[[Rejected], Answer] | None = None,
    ) -> None:
        self.database = database
        self.appender = appender
        self._reader = Reader(database, events, messages, publish)
        self._refuse = refuse
        self._queues = Queues()

    async def execute(
        self,
        handler: Callable[[Work], Awaitable[Reply]],
        metadata: Metadata,
        *,
        request: Request | None = None,
        queue_on: str | None = None,
        moves: tuple[Move, ...] = (),
        fires: str | None = None,
        success: int = 200,
    ) -> Executed:
        """Run `handler` until what it read still stands at the commit.

        With a `request` a refusal becomes an answer that is kept; without one it is raised, as Rejected. Raises Busy,
        KeyReused, Overtaken, DeadlineGone, Overloaded (nothing was done) and StoreAway (not known).
        """
        async with self._queues.turn(queue_on):
            for attempt in range(ATTEMPTS):
                if attempt:
                    await asyncio.sleep(random.uniform(0, 0.002 * 2 ** min(attempt, 6)))  # noqa: S311 - spreads rivals
                work = Work(self._reader, metadata, await self._now())
                executed = await self._attempt(work, handler, request, moves, fires, success)
                if executed is not None:
                    return executed
        raise Busy

    async def _attempt(
        self,
        work: Work,
        handler: Callable[[Work], Awaitable[Reply]],
        request: Request | None,
        moves: tuple[Move, ...],
        fires: str | None,
        success: int,
    ) -> Executed | None:
        try:
            reply = await handler(work)
            entry = work.entry(Answer(success, orjson.dumps(reply)), request, moves, fires)
        except Rejected as rejected:
            if request is None or self._refuse is None:
                raise
            entry = work.refused(self._refuse(rejected), request, moves, fires)
        outcome = await self.appender.append(entry)
        if isinstance(outcome, Taken):
            taken = work.refusal_of(outcome.claim)
            if request is None or self._refuse is None:
                raise taken
            outcome = await self.appender.append(work.refused(self._refuse(taken), request, moves, fires))
        match outcome:
            case Committed(answer=Answer(status, body, token)):
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
                return None

    async def _now(self) -> datetime:
        now: datetime = await self.database.fetchval("SELECT store_now()")
        return now

    async def as_of(
        self, module: Deciding, id: str, *, version: int | None = None, time: datetime | None = None
    ) -> tuple[Any, int]:
        """Return state and revision of an object, now or as it stood at a revision or a time."""
        stream = f"{module.CATEGORY}-{id}"
        return await as_of(self.database, self._reader.events, module, stream, version=version, time=time)


def on(module: Deciding, id_field: str, *guards: Callable[[Work, Any], Awaitable[None]]) -> Handler:
    """Return the handler of a command on a single stream: guards first, then `decide`; answers id and revision."""

    async def handle(work: Work, command: Any) -> Reply:
        for guard in guards:
            await guard(work, command)
        id = getattr(command, id_field)
        await work.decide(module, id, command)
        return {"id": id, "revision": work.revision(module, id)}

    return handle
