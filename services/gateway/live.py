"""Live: who waits for which row, and what is sent when it changes (server-sent events)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from shared.eventstore.database import AWAY
from shared.kernel.record import record

HEARTBEAT_SECONDS = 15.0
PAUSE_SECONDS = 0.1  # between two versions of one row: what changes in between is seen at once
MOST_STREAMS = 10  # of one caller


class Changes:
    """One per process: wakes those whose row was announced (NOTIFY changed), and all where something was missed."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], set[asyncio.Event]] = {}
        self._streams: Counter[str] = Counter()
        self.stopping = False

    def full(self, caller: str) -> bool:
        """Tell whether the caller has as many streams as one may have."""
        return self._streams[caller] >= MOST_STREAMS

    def wake(self, _channel: str, payload: str) -> None:
        """Take one announcement: {"p": projection, "k": [[key, version], ...]}; null for k: any row of it; '': any."""
        if not self._waiting:
            return
        told: dict[str, Any] = orjson.loads(payload) if payload else {"p": None, "k": None}
        if told["k"] is not None:
            rows = [(told["p"], key) for key, _ in told["k"]]
        else:
            rows = [row for row in self._waiting if told["p"] in (None, row[0])]
        for row in rows:
            for waiting in self._waiting.get(row, ()):
                waiting.set()

    @contextmanager
    def watch(self, projection: str, key: str, caller: str) -> Iterator[asyncio.Event]:
        """Give an event that is set when the row changes, as long as the caller is inside."""
        watchers = self._waiting.setdefault((projection, key), set())
        changed = asyncio.Event()
        watchers.add(changed)
        self._streams[caller] += 1
        try:
            yield changed
        finally:
            self._streams[caller] -= 1
            if not self._streams[caller]:
                del self._streams[caller]
            watchers.discard(changed)
            if not watchers:
                self._waiting.pop((projection, key), None)

    def stop(self) -> None:
        """Let all streams end."""
        self.stopping = True
        self.wake("", "")


@record
class Stream:
    """What one client follows."""

    projection: str
    key: str
    caller: str  # account id
    last: int | None  # the version that the client has
    read: Callable[[], Awaitable[tuple[int, str]]]  # version and JSON in one line
    allowed: Callable[[], Awaitable[bool]]  # whether the session is still good


async def events(changes: Changes, of: Stream) -> AsyncIterator[bytes]:
    """Yield the row now, unless the client has it, and whenever it has changed; a comment when it is quiet.

    Ends when the session does, when the process stops, and when the database is away: a client comes again by itself,
    with the version that it had.
    """
    last = of.last
    with changes.watch(of.projection, of.key, of.caller) as changed:
        yield b"retry: 2000\n\n"
        while await of.allowed() and not changes.stopping:
            changed.clear()
            try:
                version, row = await of.read()
            except AWAY:
                return
            if version != last:
                last = version
                yield f"id: {version}\nevent: dashboard\ndata: {row}\n\n".encode()
                await asyncio.sleep(PAUSE_SECONDS)
            while not changed.is_set():
                try:
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await changed.wait()
                except TimeoutError:
                    if not await of.allowed():
                        return
                    yield b": here\n\n"
