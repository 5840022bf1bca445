"""The head of an answer goes out together with its body.

uvicorn writes twice, and whoever reads is woken twice; ASGI has a server wait for the body. What is streamed without a
length, which may take its time to begin, is written as it comes.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


class JoinedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with fewer writes."""

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        super().on_headers_complete()
        if self.cycle is not None and self.cycle.transport is self.transport:
            self.cycle.transport = _Joined(self.transport, self.cycle)  # type: ignore[assignment]


class _Joined:
    """As much of a transport as the cycle of one request needs."""

    __slots__ = ("_cycle", "_head", "_transport")

    def __init__(self, transport: asyncio.Transport, cycle: RequestResponseCycle) -> None:
        self._transport = transport
        self._cycle: RequestResponseCycle | None = cycle  # until it has written the head
        self._head = b""

    def write(self, data: bytes) -> None:
        """Write, or hold the head back until its body comes."""
        cycle = self._cycle
        if cycle is not None and cycle.response_started:
            self._cycle = None
            if cycle.chunked_encoding is False and cycle.scope["method"] != "HEAD":
                self._head = data
                return
        if self._head:
            data, self._head = self._head + data, b""
        self._transport.write(data)

    def close(self) -> None:
        """Write what is held back, and hang up."""
        if self._head:
            self._transport.write(self._head)
        self._transport.close()

    def is_closing(self) -> bool:
        """Tell whether it is hung up on."""
        return self._transport.is_closing()
