"""Rests of those who follow: where cores are short others go first, and what comes meanwhile is one step."""

import asyncio

#: What the scheduler knows of this thread: ns that it ran, ns that it could have run and waited for a core, turns.
SCHEDSTAT = "/proc/thread-self/schedstat"
#: No rest for others is longer, and none is shorter: a timer of uvloop has milliseconds, and half of one is its error.
LONGEST_SECONDS = 0.05
SHORTEST_SECONDS = 0.001
TIMER_SECONDS = 0.0005
LATELY = 8  # steps, about


def kept_waiting() -> float:
    """Return for how many seconds this thread has waited for a core so far; 0 where the kernel does not tell."""
    try:
        with open(SCHEDSTAT, "rb", buffering=0) as told:
            return int(told.read().split()[1]) / 1e9
    except OSError:
        return 0.0


class Rest:
    """The rest between two steps of one that follows: `seconds`, and `patience` times as long as a step waited.

    A step costs nearly the same whether it has one message or a hundred. Where there is a queue for the cores, fewer
    and larger steps leave more of them to those whose answer somebody waits for; where there is none nobody gains by a
    rest. After a step of `full` messages there is none: more is there by now.
    """

    def __init__(self, seconds: float, patience: int, full: int) -> None:
        self._seconds = seconds
        self._patience = patience
        self._full = full
        self._waited = 0.0  # for a core, in a step, lately
        self._before: float | None = None

    async def take(self, messages: int) -> None:
        """Sleep after a step of so many messages."""
        if messages >= self._full:
            return
        now = kept_waiting()
        if self._before is not None:
            self._waited += (min(now - self._before, LONGEST_SECONDS) - self._waited) / LATELY
        self._before = now
        seconds = self._seconds + min(self._patience * self._waited, LONGEST_SECONDS)
        if seconds >= SHORTEST_SECONDS:
            await asyncio.sleep(seconds - TIMER_SECONDS)
            self._before = kept_waiting()
