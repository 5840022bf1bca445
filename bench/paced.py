"""A constant rate whatever happens: every action has its time, and is late from then on (no coordinated omission)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import httptools

LATEST_SECONDS = 60.0  # after the last action's time until all must be done


async def paced(rate: float, seconds: float, act: Callable[[int], Awaitable[None]]) -> list[float]:
    """Begin `act(number)` `rate` times a second; return, for each, the seconds from its time until it was done."""
    loop = asyncio.get_running_loop()
    began = loop.time() + 0.05
    late: list[float] = []

    async def one(number: int, due: float) -> None:
        await act(number)
        late.append(loop.time() - due)

    count = int(rate * seconds)
    async with asyncio.timeout(seconds + LATEST_SECONDS), asyncio.TaskGroup() as group:
        for number in range(count):
            due = began + number / rate
            if (pause := due - loop.time()) > 0:
                await asyncio.sleep(pause)
            group.create_task(one(number, due))
    return late


def p99_ms(late: Sequence[float]) -> float:
    """Return the time in milliseconds that one in a hundred exceeds."""
    return sorted(late)[int(len(late) * 0.99)] * 1_000


class Asker(asyncio.Protocol):
    """One kept connection that sends requests as they are and waits for the status of each answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self.told_when = False  # the last answer had a Retry-After
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._parser is not None:
            self._parser.feed_data(data)

    def on_header(self, name: bytes, _value: bytes) -> None:
        """Take note of the one header that anybody asks for."""
        self.told_when |= name.lower() == b"retry-after"

    def on_message_complete(self) -> None:
        """Tell whoever waits."""
        if self._answer is not None and self._parser is not None and not self._answer.done():
            self._answer.set_result(self._parser.get_status_code())

    def connection_lost(self, problem: Exception | None) -> None:
        """Whoever waits will not be answered."""
        self.closed = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(problem or ConnectionError("hung up"))

    async def ask(self, request: bytes) -> int:
        """Send a request; return the status of its answer. Raises OSError where the connection breaks."""
        assert self._transport is not None
        self.told_when = False
        self._parser = httptools.HttpResponseParser(self)
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()
