"""LISTEN: wake-ups from PostgreSQL. They are hints: whoever needs to be sure asks again now and then."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from shared.eventstore.database import AWAY, Database

log = structlog.get_logger()

PING_SECONDS = 30.0
RETRY_SECONDS = 1.0


async def listen(
    database: Database, wake: Callable[[str, str], None], *channels: str, lost: Callable[[], None] = lambda: None
) -> None:
    """Call `wake(channel, payload)` for each notification, until cancelled.

    `lost` is called as soon as the connection is. It is opened again; then each channel is woken once with an empty
    payload, because something may have been missed: a cache that lives by notifications empties itself.
    """
    while True:
        try:
            await _listen(database, wake, channels, lost)
        except AWAY as problem:
            log.warning("listening_waits", channels=channels, error=type(problem).__name__)
        await asyncio.sleep(RETRY_SECONDS)


async def _listen(
    database: Database, wake: Callable[[str, str], None], channels: tuple[str, ...], tell: Callable[[], None]
) -> None:
    connection = await database.connect()
    try:
        lost = asyncio.Event()

        def ended(_connection: Any) -> None:
            lost.set()
            tell()

        connection.add_termination_listener(ended)

        def notified(_connection: Any, _pid: int, channel: str, payload: object) -> None:
            wake(channel, str(payload))

        for channel in channels:
            await connection.add_listener(channel, notified)
        for channel in channels:
            wake(channel, "")
        while not lost.is_set():
            try:
                await asyncio.wait_for(lost.wait(), PING_SECONDS)
            except TimeoutError:
                await connection.execute("SELECT 1", timeout=PING_SECONDS)
    finally:
        tell()
        connection.terminate()
