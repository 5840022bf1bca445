"""Rests of those who follow: what comes meanwhile is one step, and where cores are short others go first."""

import asyncio
import time

#: A timer is late by so much on a machine that is idle: uvloop's have milliseconds.
TIMER_SECONDS = 0.001
#: So many times as long as we were kept waiting for a core, lately, and no longer than this.
FOR_OTHERS = 20
LONGEST_SECONDS = 0.05
LATELY = 8  # rests, about


class Rest:
    """The rest between two steps of one that follows: `seconds`, and more while cores are short.

    A step costs nearly the same whether it has one message or a hundred. Where there is a queue for the cores, fewer
    and larger steps leave more of them to those whose answer somebody waits for. After a step of `full` messages there
    is no rest: more is there by now.
    """

    def __init__(self, seconds: float, full: int) -> None:
        self._seconds = seconds
        self._full = full
        self._waited = 0.0

    async def take(self, messages: int) -> None:
        """Sleep after a step of so many messages, and see how much later than asked for we are woken."""
        if messages >= self._full:
            return
        seconds = self._seconds + min(FOR_OTHERS * self._waited, LONGEST_SECONDS)
        due = time.perf_counter() + seconds
        await asyncio.sleep(seconds)
        late = max(time.perf_counter() - due - TIMER_SECONDS, 0.0)
        self._waited += (late - self._waited) / LATELY
