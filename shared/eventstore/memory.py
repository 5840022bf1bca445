"""What a process remembers of the head between two batches, and how far to rely on it."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.eventstore.entry import Reckoned
from shared.eventstore.world import Head

SHYEST = 64  # times after many mistakes: somebody else is there all the time
STREAMS = 16_384  # whose versions are remembered


class Trust:
    """How far to rely on what a process remembers: after each mistake not for twice as many times."""

    def __init__(self) -> None:
        self._mistakes = self.shy = 0

    def trusted(self) -> bool:
        """Tell whether to rely on it this time."""
        if self.shy:
            self.shy -= 1
            return False
        return True

    def mistaken(self) -> None:
        """Take note that something was not as we left it: somebody else was there."""
        self.shy = min(2**self._mistakes, SHYEST)
        self._mistakes = min(self._mistakes + 1, SHYEST)

    def proven(self) -> None:
        """Take note that all was as we left it."""
        self._mistakes = 0


class Memory(Trust):
    """The head as this process left it, or will have left it once what is under way has landed; and the store's time.

    `versions` are those of streams that were written or looked at behind that head: as long as it is the head nobody
    has appended, and they are the versions.
    """

    def __init__(self) -> None:
        super().__init__()
        self._head: Head | None = None
        self._left: Head | None = None  # by the last batch that landed
        self._epoch = ""
        self._told: datetime  # the store's time
        self._heard = 0.0  # ours (s, monotonic) when we were told
        self.versions: dict[str, int] = {}

    def keep(self, head: Head, told: datetime, versions: Mapping[str, int]) -> None:
        """Take note of a batch that landed: the head that it left, the store's time, the versions it found or made."""
        self.foresee(head, versions)
        self._left = head
        self._hear(head, told)

    def foresee(self, head: Head, versions: Mapping[str, int]) -> None:
        """Take note of what a batch that is sent will leave if it lands; `prove` when it has."""
        self._head = head
        if len(self.versions) + len(versions) > STREAMS:
            self.versions = {}
        self.versions.update(versions)

    def prove(self, head: Head, told: datetime) -> None:
        """Take note that a batch has landed as foreseen, at the store's time `told`."""
        if self._left is None or self._left.recorded_at < head.recorded_at:  # two may be heard of in either order
            self._left = head
        self._hear(head, told)
        self.proven()

    def forget(self) -> None:
        self._head = None
        self.versions = {}

    def left(self, head: Head) -> bool:
        """Tell whether this is the head as a batch of ours left it: nobody else has appended."""
        return self._left == head

    @property
    def sure(self) -> bool:
        """Tell whether the next batch can be admitted behind the last one without asking PostgreSQL."""
        return self._head is not None and not self.shy

    def trusted(self) -> bool:
        """Tell whether to rely on it for the next batch."""
        return super().trusted() and self._head is not None

    def recall(self) -> tuple[Head, datetime]:
        """Return the head and what time the store has now."""
        assert self._head is not None
        return self._head, self._now()

    def reckon(self) -> Reckoned | None:
        """Return what epoch and time the store has as far as we know; None at first, and where others append in turn.

        What we remember of streams would mostly be out of date then, and finding that out costs more than reading.
        """
        return Reckoned(self._epoch, self._now()) if self._epoch and not self.shy else None

    def _hear(self, head: Head, told: datetime) -> None:
        self._epoch, self._told, self._heard = head.epoch, told, time.monotonic()

    def _now(self) -> datetime:
        return self._told + timedelta(seconds=time.monotonic() - self._heard)
