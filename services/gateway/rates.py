"""How often somebody may ask: a bucket of tokens for each caller or address, in the memory of this process.

By hand, because the in-memory storage of the `limits` library starts a thread per hundredth of a second under load and
goes through all callers with each of them: 12 to 74 µs a hit with 500 callers, where this takes one.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_KEYS = 50_000


class Rates:
    """Lets `burst` requests through at once and `per_second` in the long run; 0 per second means no limit."""

    def __init__(
        self, per_second: float, burst: int, *, most: int = MOST_KEYS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._most = most
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> tokens, when

    def take(self, key: str) -> int:
        """Take one token; returns 0, or the whole seconds to wait where there is none."""
        if self._per_second <= 0:
            return 0
        now = self._now()
        tokens, then = self._buckets.get(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - then) * self._per_second)
        allowed = tokens >= 1
        self._buckets[key] = (tokens - 1 if allowed else tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)  # who came longest ago has, most likely, a full bucket again
        return 0 if allowed else max(1, math.ceil((1 - tokens) / self._per_second))
