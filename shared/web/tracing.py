"""What belongs together: the correlation id of a request and its W3C trace context, carried through await and task."""

import os
import re
from contextvars import ContextVar

from shared.kernel.ids import is_id, new_id
from shared.kernel.record import record

_PATTERN = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_LONGEST = 512
POOL_BYTES = 6_144


@record
class Trace:
    """One span of a trace; `flags` bit 0 says that it is sampled."""

    trace_id: str
    span_id: str
    flags: int = 1

    def __str__(self) -> str:
        """Return the `traceparent` header (version 00)."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"


@record
class Context:
    """What every log line, event and message of one request or message carries."""

    correlation_id: str
    trace: Trace


current: ContextVar[Context | None] = ContextVar("sponsio_context", default=None)


def parse(traceparent: str | None) -> Trace | None:
    """Read a `traceparent` header; None where there is none, or none that the specification allows."""
    if traceparent is None or len(traceparent) > _LONGEST or (match := _PATTERN.fullmatch(traceparent)) is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return Trace(trace_id, span_id, int(flags, 16) & 1)


class _Chance:
    """Random hexadecimal digits from the operating system, which is asked for those of many requests at once."""

    def __init__(self) -> None:
        self._digits, self._used = "", 0

    def take(self, count: int) -> str:
        """Return so many digits that nobody else gets."""
        used = self._used + count
        if used > len(self._digits):
            self._digits, used = os.urandom(POOL_BYTES).hex(), count
        self._used = used
        return self._digits[used - count : used]


_chance = _Chance()


def names(traceparent: str | None, correlation_id: str | None) -> tuple[str, str]:
    """Return correlation id and trace id of a request that nothing comes of: what `begin` would give it."""
    parent = parse(traceparent)
    return _correlation(correlation_id), parent.trace_id if parent else _chance.take(32)


def _correlation(given: str | None) -> str:
    return given if given and is_id(given) else new_id()


def begin(traceparent: str | None = None, correlation_id: str | None = None) -> Context:
    """Enter a span of the caller's trace, or of a fresh one, and keep the correlation id where it is one of ours."""
    parent = parse(traceparent)
    span_id = _chance.take(16)
    trace = Trace(parent.trace_id, span_id, parent.flags) if parent else Trace(_chance.take(32), span_id)
    context = Context(_correlation(correlation_id), trace)
    current.set(context)
    return context


def correlation_id() -> str:
    """Return the correlation id of what runs now; outside of a request a fresh one."""
    context = current.get()
    return context.correlation_id if context else new_id()
