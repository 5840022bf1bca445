"""Queues inside one process, one per stream, and how long they may become.

Whoever asks for more than there is room for is told so at once: what has waited for long is not awaited any more, and
working it off would keep those waiting who still are.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.eventstore.append import Overloaded


class Queues:
    """One queue per subject: commands on one stream wait here, before they load, instead of losing the race after."""

    def __init__(self, each: int = 128, together: int = 1_000) -> None:
        """`each`: how many may be under way on one subject, the first included; `together`: in this process."""
        self._each, self._together = each, together
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}
        self._under_way = 0

    @asynccontextmanager
    async def turn(self, subject: str | None) -> AsyncIterator[None]:
        """Hold the subject's queue; None waits for nobody. Raises Overloaded."""
        lock, users = self._locks.get(subject or "", (asyncio.Lock(), 0))
        if users >= self._each or self._under_way >= self._together:
            raise Overloaded
        self._under_way += 1
        try:
            if subject is None:
                yield
                return
            self._locks[subject] = (lock, users + 1)
            try:
                async with lock:
                    yield
            finally:
                lock, users = self._locks.pop(subject)
                if users > 1:
                    self._locks[subject] = (lock, users - 1)
        finally:
            self._under_way -= 1
