"""Accepting connections: all that wait, in one round of the loop.

libuv's own way takes one in each round (https://github.com/libuv/libuv/pull/3696). Under load a round is long, and who
is connected already would be answered for seconds before anybody else gets in. Costs 5 us more for a connection.
"""

import asyncio
import socket
from collections.abc import Callable

import structlog

BACKLOG = 4_096  # connections that may wait; the system's limit (somaxconn) may be lower
PAUSE_SECONDS = 1.0  # where there are no file descriptors left

log = structlog.get_logger()


class Listener:
    """Listens on a port until `close`; has what uvicorn asks of a server."""

    def __init__(self, host: str, port: int, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Open the port; raises OSError."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self._socket.setblocking(False)
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._opening = set[asyncio.Task[object]]()
        self._closed = False
        self._loop.add_reader(self._socket, self._accept)

    def close(self) -> None:
        """Accept no more; who waits is hung up on."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._socket)
            self._socket.close()

    async def wait_closed(self) -> None:
        """Wait until all that was accepted has its protocol."""
        await asyncio.gather(*self._opening, return_exceptions=True)

    def _accept(self) -> None:
        for _ in range(BACKLOG):
            try:
                connection, _address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as problem:  # asked again and again otherwise
                log.error("connections_not_accepted", reason=problem.strerror, pause_seconds=PAUSE_SECONDS)
                self._loop.remove_reader(self._socket)
                self._loop.call_later(PAUSE_SECONDS, self._resume)
                return
            opening = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, connection))
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    def _resume(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._socket, self._accept)
