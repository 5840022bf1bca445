"""A rival: the `eventsourcing` library on PostgreSQL, used as its documentation says.

Each command triggers one event on an aggregate at hand and saves it. Commands run in a pool of threads, whose size is
the best of some that were tried.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

SIZES = (1, 4, 8, 16)


class Jar(Aggregate):
    """An aggregate with one event, whose payload is as large as ours."""

    @event("Filled")
    def fill(self, text: str) -> None:
        """Note that it happened."""
        self.text = text


class Library:
    """The library's application on a database of its own."""

    def __init__(self, url: str) -> None:
        at = urlsplit(url)
        self._app: Application[Any] = Application(
            env={
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": at.path.lstrip("/"),
                "POSTGRES_HOST": at.hostname or "",
                "POSTGRES_PORT": str(at.port),
                "POSTGRES_USER": at.username or "",
                "POSTGRES_PASSWORD": at.password or "",
                "POSTGRES_POOL_SIZE": str(max(SIZES)),
                "POSTGRES_MAX_OVERFLOW": "0",
            }
        )
        self._threads = 1

    def tune(self, text: str, seconds: float) -> int:
        """Find the best number of threads, which the measurements then use."""
        self._threads = max(SIZES, key=lambda size: self._saves_per_second(size, text, seconds))
        return self._threads

    def saves_per_second(self, text: str, seconds: float) -> float:
        """Save events of `text` for so long."""
        return self._saves_per_second(self._threads, text, seconds)

    def _saves_per_second(self, threads: int, text: str, seconds: float) -> float:
        until = time.perf_counter() + seconds

        def client() -> int:
            jar, saved = Jar(), 0
            self._app.save(jar)
            while time.perf_counter() < until:
                jar.fill(text)
                self._app.save(jar)
                saved += 1
            return saved

        began = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            clients = [pool.submit(client) for _ in range(threads)]
            saved = sum(each.result() for each in clients)
        return saved / (time.perf_counter() - began)

    def close(self) -> None:
        """Give the connections back."""
        self._app.close()
