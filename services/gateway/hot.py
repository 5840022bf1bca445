"""Hot rows: answers of read models as ready bytes, kept until their row is announced as changed (NOTIFY changed).

Nothing is kept that could be older than what was announced: a read that an announcement overtakes is not kept unless
it has that version, a lost connection forgets everything and nothing is kept until there is one again, and whatever
happens nothing is older than LONGEST_SECONDS.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import orjson

from shared.web.ready import Ready

LONGEST_SECONDS = 1.0  # also where announcements are lost without a sign
AGAIN_SECONDS = 0.5  # then one of those who ask reads the row anew, and the others need not
MOST_ROWS = 10_000

Row = tuple[str, str]  # read model, key


class Kept:
    """An answer: from `again_at` on one is sent to read it anew, from `until` on nobody gets it."""

    __slots__ = ("again_at", "ready", "until", "version")

    def __init__(self, version: int, ready: Ready, began: float) -> None:
        self.version = version
        self.ready = ready
        self.again_at = began + AGAIN_SECONDS
        self.until = began + LONGEST_SECONDS


class Reading:
    """A read under way; `least` is the version that was announced meanwhile, None: something unknown was."""

    __slots__ = ("began", "least")

    def __init__(self, began: float) -> None:
        self.began = began
        self.least: int | None = 0


class Hot:
    """One per process."""

    def __init__(self, *, most: int = MOST_ROWS, now: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._now = now
        self._kept: OrderedDict[Row, Kept] = OrderedDict()
        self._readings: dict[Row, set[Reading]] = {}
        self._hears = False

    def get(self, row: Row) -> Ready | None:
        """Return the answer where it is kept; None: read the row."""
        kept = self._kept.get(row)
        if kept is None:
            return None
        now = self._now()
        if now < kept.again_at:
            return kept.ready
        if now >= kept.until:
            del self._kept[row]
        kept.again_at = kept.until
        return None

    def begin(self, row: Row) -> Reading:
        """Note that a row is about to be read; to be followed by `end`."""
        reading = Reading(self._now())
        self._readings.setdefault(row, set()).add(reading)
        return reading

    def end(self, row: Row, reading: Reading, found: tuple[int, Ready] | None) -> None:
        """Keep what was found, unless it may be out of date already; None where nothing was."""
        readings = self._readings[row]
        readings.discard(reading)
        if not readings:
            del self._readings[row]
        if found is None or not self._hears or reading.least is None or found[0] < reading.least:
            return
        self._kept[row] = Kept(*found, reading.began)
        self._kept.move_to_end(row)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def wake(self, _channel: str, payload: str) -> None:
        """Take one announcement: {"p": projection, "k": [[key, version], ...]}; null for k: any row of it; '': any."""
        self._hears = True
        told: dict[str, Any] = orjson.loads(payload) if payload else {"p": None, "k": None}
        if told["k"] is None:
            self._forget(told["p"])
            return
        for key, version in told["k"]:
            row = (told["p"], key)
            if (kept := self._kept.get(row)) is not None and kept.version < version:
                del self._kept[row]
            for reading in self._readings.get(row, ()):
                if reading.least is not None:
                    reading.least = max(reading.least, version)

    def lose(self) -> None:
        """Forget everything: nothing is heard any more."""
        self._hears = False
        self._forget(None)

    def _forget(self, projection: str | None) -> None:
        for row in [row for row in self._kept if projection in (None, row[0])]:
            del self._kept[row]
        for row, readings in self._readings.items():
            if projection in (None, row[0]):
                for reading in readings:
                    reading.least = None
