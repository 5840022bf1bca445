"""A throttle for libraries that log hundreds of lines a second while their server is away."""

import asyncio
import logging
import time
from dataclasses import dataclass

WINDOW_SECONDS = 1.0


@dataclass(slots=True)
class _Window:
    ends_at: float
    last: logging.LogRecord | None = None
    held: int = 0


class Throttle(logging.Filter):
    """Lets the first line of its kind through in each second, and the last, with the count of those left out.

    A kind is logger, level and message template. The last line is written when its second is over: by a timer of the
    running loop, which is armed only while something is held, or by the next line of that kind.
    """

    def __init__(
        self, handler: logging.Handler, prefixes: tuple[str, ...] = ("aiokafka", "faststream", "kafka")
    ) -> None:
        super().__init__()
        self._handler = handler
        self._prefixes = prefixes
        self._windows: dict[tuple[str, int, str], _Window] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the line is written now."""
        if not record.name.startswith(self._prefixes) or hasattr(record, "left_out"):
            return True
        kind = (record.name, record.levelno, str(record.msg))
        now = time.monotonic()
        window = self._windows.get(kind)
        if window is None or now >= window.ends_at:
            self._release(kind)
            self._windows[kind] = _Window(now + WINDOW_SECONDS)
            return True
        if window.last is None:
            self._arm(kind, window.ends_at - now)
        window.last = record
        window.held += 1
        return False

    def _arm(self, kind: tuple[str, int, str], seconds: float) -> None:
        try:
            asyncio.get_running_loop().call_later(seconds, self._release, kind)
        except RuntimeError:
            return  # no loop: the next line of this kind brings it

    def _release(self, kind: tuple[str, int, str]) -> None:
        window = self._windows.pop(kind, None)
        if window is not None and window.last is not None:
            window.last.left_out = window.held - 1
            self._handler.handle(window.last)
            window.last = None
