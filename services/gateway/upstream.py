"""Kept connections to one service, as lean as forwarding needs, with the parser that the server itself has."""

import asyncio
from collections import deque
from typing import cast
from urllib.parse import urlsplit

import httptools

MOST_CONNECTIONS = 512  # under way at once; more is refused
IDLE_SECONDS = 60.0  # less than the services keep a connection: it is ours to close first
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 20.0  # until the head of an answer; a command may wait two seconds and queue before it is decided
PAUSE_SECONDS = 60.0  # between the parts of a body
BUFFER_LIMIT = 256 * 1024  # bytes that a slow client makes us hold

Headers = list[tuple[bytes, bytes]]


class UpstreamAway(Exception):
    """There was no answer: whether the request was carried out is not known."""


class UpstreamFull(Exception):
    """Too many requests to this service are under way: nothing was sent."""


class UpstreamBroken(Exception):
    """An answer ended in the middle."""


class Connection(asyncio.Protocol):
    """One connection, one request at a time: `ask`, then `take` and `more` until `finished`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._paused = False
        self._bodiless = False
        self._headed = False
        self._until_closed = False
        self._late = False
        self.status = 0
        self.headers: Headers = []
        self.finished = True
        self.closed = False
        self.keeps_alive = False
        self.idle_since = 0.0

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass of it

    def data_received(self, data: bytes) -> None:
        """Read on; bytes that nobody asked for end the connection."""
        if self._parser is None or self.finished:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.close()
        if self._held > BUFFER_LIMIT and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def connection_lost(self, problem: Exception | None) -> None:
        """Wake who waits: the answer ends here, for good or in the middle."""
        self.closed = True
        self.keeps_alive = False
        if self._headed and self._until_closed and problem is None:
            self.finished = True
        self._wake()

    # The parser's side

    def on_message_begin(self) -> None:
        """Begin a head: that of the answer, or of an interim one before it."""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, its name in lower case."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is complete; an interim one (1xx) is dropped."""
        assert self._parser is not None
        self.status = self._parser.get_status_code()
        if self.status < 200:
            return
        self._headed = True
        self.keeps_alive = self._parser.should_keep_alive()
        self._until_closed = not any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers)
        if self._bodiless:
            self.finished = True
        self._wake()

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body until it is taken."""
        self._chunks.append(body)
        self._held += len(body)
        self._wake()

    def on_message_complete(self) -> None:
        """The answer is complete."""
        if self.status >= 200:
            self.finished = True
            self._wake()

    # The forwarder's side

    async def ask(self, request: bytes, *, bodiless: bool) -> None:
        """Send a request and wait for the head of its answer; raises UpstreamAway. `bodiless`: HEAD has no body."""
        if self.closed or self._transport is None:
            raise UpstreamAway
        self._parser = httptools.HttpResponseParser(self)
        self._bodiless, self._headed, self._late, self.finished, self.status = bodiless, False, False, False, 0
        self._transport.write(request)
        timer = self._loop.call_later(ANSWER_SECONDS, self._be_late)
        try:
            while not self._headed:
                if self.closed or self._late:
                    raise UpstreamAway
                await self._change()
        finally:
            timer.cancel()

    def take(self) -> bytes:
        """Return what has come of the body since the last time."""
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._held = 0
        if self._paused and self._transport is not None and not self.closed:
            self._paused = False
            self._transport.resume_reading()
        return body

    async def more(self) -> None:
        """Wait until there is more to take or the answer is finished; raises UpstreamBroken."""
        try:
            async with asyncio.timeout(PAUSE_SECONDS):
                while not self._chunks and not self.finished:
                    if self.closed:
                        raise UpstreamBroken
                    await self._change()
        except TimeoutError:
            raise UpstreamBroken from None

    def close(self) -> None:
        """End the connection now."""
        self.closed = True
        self.keeps_alive = False
        if self._transport is not None:
            self._transport.abort()
        self._wake()

    def _be_late(self) -> None:
        self._late = True
        self._wake()

    async def _change(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Upstream:
    """The connections to one service."""

    def __init__(self, url: str) -> None:
        """`url`: http://host:port, without a path."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError("a service's address is http://host:port")
        self._host, self._port = parts.hostname, parts.port or 80
        self.authority = parts.netloc.encode()
        self._idle: list[Connection] = []
        self.under_way = 0

    @property
    def full(self) -> bool:
        """Tell whether the next request would be refused."""
        return self.under_way >= MOST_CONNECTIONS

    async def ask(self, request: bytes, *, bodiless: bool = False, repeatable: bool = False) -> Connection:
        """Send a request; returns the connection with the head of the answer, to be given back with `release`.

        A kept connection may have died unseen: what is `repeatable` is then sent once more on a fresh one. Raises
        UpstreamAway, UpstreamFull.
        """
        if self.full:
            raise UpstreamFull
        self.under_way += 1
        connection = self._kept()
        try:
            if connection is not None:
                try:
                    await connection.ask(request, bodiless=bodiless)
                    return connection
                except UpstreamAway:
                    if not repeatable or not connection.closed:
                        raise
            connection = await self._connect()
            await connection.ask(request, bodiless=bodiless)
            return connection
        except BaseException:
            self.under_way -= 1
            if connection is not None:
                connection.close()
            raise

    def release(self, connection: Connection) -> None:
        """Keep the connection for the next request, where its answer was read to the end."""
        self.under_way -= 1
        if connection.finished and connection.keeps_alive and not connection.closed:
            connection.take()
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """End all idle connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _kept(self) -> Connection | None:
        """Return the connection that was used last; those that were idle for long go."""
        oldest = asyncio.get_running_loop().time() - IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and connection.idle_since > oldest:
                return connection
            connection.close()
        return None

    async def _connect(self) -> Connection:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await asyncio.get_running_loop().create_connection(Connection, self._host, self._port)
        except OSError:  # TimeoutError is one
            raise UpstreamAway from None
        return connection
