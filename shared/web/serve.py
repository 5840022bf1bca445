"""Serving an ASGI app until the process is told to stop; what is being answered then is finished first."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Coroutine, Iterator, Mapping
from functools import partial
from typing import Any

import structlog
import uvicorn
import uvloop

from shared.web.accepting import Listener
from shared.web.ready import Refuse, Shortcut, nothing_refused, protocol

GRACE_SECONDS = 10  # for answers under way, streams included
KEEP_ALIVE_SECONDS = 75  # longer than our own clients keep idle connections: the client closes first

log = structlog.get_logger()


class _Server(uvicorn.Server):
    """uvicorn with our listener and signal handlers, and without waking up ten times a second for the Date header."""

    def __init__(self, config: uvicorn.Config, stop: asyncio.Event) -> None:
        super().__init__(config)
        self._stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        config = self.config
        protocol: Any = config.http_protocol_class
        connected = partial(protocol, config=config, server_state=self.server_state, app_state=self.lifespan.state)
        try:
            listener: Any = Listener(config.host, config.port, connected)
        except OSError as problem:
            log.error("port_not_opened", host=config.host, port=config.port, reason=problem.strerror)
            await self.lifespan.shutdown()
            sys.exit(1)
        self.servers.append(listener)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self._stop.wait()


async def serve(
    app: Any,
    host: str,
    port: int,
    *,
    stop: asyncio.Event | None = None,
    grace_seconds: int = GRACE_SECONDS,
    shortcuts: Mapping[bytes, Shortcut] | None = None,
    refuse: Refuse = nothing_refused,
) -> None:
    """Serve until `stop` is set, or, without one, until SIGTERM or SIGINT; then drain for `grace_seconds` at most.

    `shortcuts` answer before the app where they can, each for the target under which it stands; `refuse` says what the
    app is not to be asked at all at the moment.

    The app's lifespan is entered before the port opens and left when the last answer is out. Raises SystemExit where
    the port is taken or the lifespan fails.
    """
    if stop is None:
        stop = stop_on_signals()
    config = uvicorn.Config(
        app, host, port,
        loop="none", http=protocol(shortcuts or {}, refuse), ws="none", lifespan="on", interface="asgi3",
        log_config=None, access_log=False, server_header=False, date_header=False, proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=grace_seconds,
    )  # fmt: skip
    server = _Server(config, stop)
    log.info("serving", host=host, port=port)
    await server.serve(sockets=[])  # it has its own
    log.info("served", host=host, port=port)


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set; in the main thread of the running loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def collect_seldom() -> None:
    """Have the garbage collector look seldom, and never again at what is there by now.

    Nearly all that a process makes goes with its last reference; looking through all that it has stops it for
    milliseconds, and a batch of messages makes enough for that to happen several times.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a process's main coroutine on uvloop."""
    collect_seldom()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
