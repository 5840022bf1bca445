"""Sessions that ended before their tokens: identity answers as soon as there is one, so that it is felt at once."""

import asyncio
import time
from typing import Any

import aiohttp
import structlog

from shared.web import metrics
from shared.web.authentication import SKEW_SECONDS

log = structlog.get_logger()

PATH = "/internal/revocations"
WAIT_SECONDS = 15  # how long identity may wait for something to tell: a lost connection goes unnoticed no longer
PAUSE_SECONDS = 1.0  # between two questions at least, but while there is more
PRUNE_SECONDS = 60.0


class Revocations:
    """What is known (RevocationSource). While identity is away it stays as it is; a metric tells its age."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}  # session id -> when its last token has expired
        self._last = 0
        self._heard_at: float | None = None
        self._away = False
        self._pruned_at = time.monotonic()
        metrics.REVOCATIONS_AGE.set_function(self.age_seconds)

    def known(self) -> bool:
        """Tell whether identity has answered since this process began."""
        return self._heard_at is not None

    def revoked(self, session_id: str) -> bool:
        """Tell whether the session has ended."""
        return session_id in self._ends

    def age_seconds(self) -> float:
        """Return how long ago identity answered last; -1 for never."""
        return -1.0 if self._heard_at is None else time.monotonic() - self._heard_at

    async def poll(self, session: aiohttp.ClientSession, service_secret: str) -> None:
        """Ask again and again until cancelled; while a page was full, at once."""
        headers = {"authorization": f"Bearer {service_secret}"}
        while True:
            more, asked_at = False, time.monotonic()
            asked = {"after": self._last, "wait": WAIT_SECONDS if self.known() else 0}
            limit = aiohttp.ClientTimeout(total=WAIT_SECONDS + 2)
            try:
                async with session.get(PATH, params=asked, headers=headers, timeout=limit) as response:
                    response.raise_for_status()
                    more = self.take(await response.json())
                self._note(away=False)
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError) as problem:
                self._note(away=True, error=type(problem).__name__)
            if not more:
                await asyncio.sleep(max(0.0, asked_at + PAUSE_SECONDS - time.monotonic()))

    def take(self, answer: dict[str, Any]) -> bool:
        """Learn one answer; returns whether there is more to ask for now."""
        found = answer["revocations"]
        for one in found:
            self._ends[str(one["sid"])] = float(one["exp"])
        last = int(answer["last"])
        if found:
            self._last = max(int(one["seq"]) for one in found)
        else:  # a smaller number than ours means another store: what it tells is read from its beginning
            self._last = last if last >= self._last else 0
        more = bool(found) and self._last < last
        if not more:
            self._heard_at = time.monotonic()
        self._prune()
        return more

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at < PRUNE_SECONDS:
            return
        self._pruned_at = time.monotonic()
        over = time.time() - 2 * SKEW_SECONDS
        self._ends = {session: end for session, end in self._ends.items() if end > over}

    def _note(self, *, away: bool, error: str | None = None) -> None:
        metrics.REVOCATION_POLLS.labels("failed" if away else "answered").inc()
        if away != self._away:
            self._away = away
            if away:
                log.warning("revocations_not_heard", error=error)
            else:
                log.info("revocations_heard_again")
