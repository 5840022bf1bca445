"""Logs: one JSON object a line on stderr, with service, role and correlation id; never a body, a query or a token.

Of an exception only its type and the places that it passed are written: its message may carry values, which may be
personal data.
"""

import asyncio
import atexit
import logging
import sys
import time
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, BinaryIO

import orjson
import structlog

from shared.web.flood import Throttle
from shared.web.tracing import current

#: Foreign libraries that say too much of what is not worth it.
QUIET = {
    "uvicorn": "WARNING",
    "aiohttp": "WARNING",
    "faststream": "WARNING",
    "asyncio": "WARNING",
    "aiokafka": "WARNING",
}

Fields = MutableMapping[str, Any]


class Lines:
    """Where lines go. What one turn of the event loop says is written at once, when the turn is over."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._held: list[bytes] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        atexit.register(self.flush)

    def write(self, line: bytes) -> None:
        """Write a line: at once where no loop runs in this thread."""
        loop = asyncio._get_running_loop()
        if loop is None:
            self._file.write(line + b"\n")
            self._file.flush()
            return
        if not self._held or self._loop is not loop:
            self._loop = loop
            loop.call_soon(self.flush)
        self._held.append(line)

    debug = info = warning = error = critical = msg = write  # what structlog calls

    def flush(self) -> None:
        """Write what is held."""
        held, self._held = self._held, []
        if held:
            held.append(b"")
            self._file.write(b"\n".join(held))
            self._file.flush()


class _Requests:
    """The line of each answered request, of which there are more than of all others: made without structlog."""

    def __init__(self) -> None:
        self._lines: Lines | None = None
        self._fixed: dict[str, str] = {}

    def configure(self, lines: Lines | None, fixed: dict[str, str]) -> None:
        """Write to these lines from now on; None: to nowhere."""
        self._lines, self._fixed = lines, fixed

    def note(
        self,
        correlation_id: str,
        trace_id: str,
        method: str,
        route: str,
        status: int,
        seconds: float,
        problem: str | None,
    ) -> None:
        """Write one line."""
        if self._lines is None:
            return
        fields: dict[str, Any] = {
            "method": method[:16],
            "route": route,
            "status": status,
            "ms": round(seconds * 1_000, 2),
            "event": "request",
            "level": "info",
            "time": _now(),
            **self._fixed,
            "correlation_id": correlation_id,
            "trace_id": trace_id,
        }
        if problem is not None:
            fields["problem"] = problem
        self._lines.write(orjson.dumps(fields, default=str))


requests = _Requests()


def configure(service: str, role: str, level: str = "info") -> None:
    """Send all logs of this process, our own and the libraries', to stderr as JSON. Call it once, first of all."""
    number = logging.getLevelNamesMapping()[level.upper()]
    fixed = {"service": service, "role": role}
    lines = Lines(sys.stderr.buffer)
    requests.configure(lines if number <= logging.INFO else None, fixed)
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, _Stamp(fixed), _exception, _render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json(fixed))
    handler.addFilter(Throttle(handler))
    logging.basicConfig(level=number, handlers=[handler], force=True)
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(max(number, logging.getLevelNamesMapping()[quiet]))


def describe(problem: BaseException, deepest: int = 12) -> dict[str, Any]:
    """Return the types of an exception and its causes, and the last `deepest` places it passed: all without values."""
    kinds: list[str] = []
    link: BaseException | None = problem
    while link is not None and len(kinds) < 5:
        kinds.append(f"{type(link).__module__}.{type(link).__qualname__}".removeprefix("builtins."))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    frames = traceback.extract_tb(problem.__traceback__)[-deepest:]
    return {"error": kinds, "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]}


def _now() -> str:
    second, part = divmod(time.time(), 1.0)
    return f"{_second(int(second))}.{int(part * 1_000):03d}+00:00"


@lru_cache(maxsize=1)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class _Stamp:
    """Adds what every line carries."""

    def __init__(self, fixed: dict[str, str]) -> None:
        self._fixed = fixed

    def __call__(self, logger: Any, method: str, fields: Fields) -> Fields:
        fields["time"] = _now()
        fields.update(self._fixed)
        if (context := current.get()) is not None:
            fields.setdefault("correlation_id", context.correlation_id)
            fields.setdefault("trace_id", context.trace.trace_id)
        return fields


def _exception(logger: Any, method: str, fields: Fields) -> Fields:
    problem = fields.pop("exc_info", None)
    if problem is True:
        problem = sys.exc_info()[1]
    if isinstance(problem, tuple):
        problem = problem[1]
    if isinstance(problem, BaseException):
        fields.update(describe(problem))
    return fields


def _render(logger: Any, method: str, fields: Fields) -> bytes:
    return orjson.dumps(dict(fields), default=str, option=orjson.OPT_NON_STR_KEYS)


class _Json(logging.Formatter):
    """What foreign libraries log, in the same shape."""

    def __init__(self, fixed: dict[str, str]) -> None:
        super().__init__()
        self._stamp = _Stamp(fixed)

    def format(self, record: logging.LogRecord) -> str:
        fields: Fields = {"event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            fields.update(describe(record.exc_info[1]))
        if (left_out := getattr(record, "left_out", 0)) > 0:
            fields["left_out"] = left_out
        return _render(None, "", self._stamp(None, "", fields)).decode()
