"""The web layer's own metrics. Labels are route templates and codes, never raw paths: their number stays small."""

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client import REGISTRY, Counter, Gauge
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

REFUSALS = Counter("sponsio_problems_total", "Problems answered by the web layer and the domains", ["code"])
CONSISTENCY_WAITS = Counter("sponsio_consistency_waits_total", "Consistency-Tokens that were waited for", ["outcome"])
REVOCATION_POLLS = Counter("sponsio_revocation_polls_total", "Polls of identity's revocations", ["outcome"])
REVOCATIONS_AGE = Gauge("sponsio_revocations_age_seconds", "Since identity last told its revocations; -1: never")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # upper bounds of the buckets


class _Answered:
    """The requests of one method and route."""

    __slots__ = ("buckets", "seconds", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.buckets = [0] * (len(SECONDS) + 1)
        self.seconds = 0.0


class Requests(Collector):
    """Plain numbers, made metrics when somebody asks for them: a request is answered more often than that.

    The library's own counters lock, once for each of several values; here only the event loop counts.
    """

    def __init__(self) -> None:
        self._answered: dict[tuple[str, str], _Answered] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        answered = self._answered.get((method, route))
        if answered is None:
            method = method if method in METHODS else "OTHER"
            answered = self._answered.setdefault((method, route), _Answered())
        answered.statuses[status] = answered.statuses.get(status, 0) + 1
        answered.buckets[bisect_left(SECONDS, seconds)] += 1
        answered.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """Yield what was counted."""
        counts = CounterMetricFamily("sponsio_http_requests", "Requests answered", labels=["method", "route", "status"])
        times = HistogramMetricFamily(
            "sponsio_http_request_seconds",
            "From the first byte of a request to the last of its answer",
            labels=["method", "route"],
        )
        for (method, route), answered in self._answered.items():
            for status, count in answered.statuses.items():
                counts.add_metric([method, route, str(status)], count)
            buckets, total = [], 0
            for bound, count in zip((*map(str, SECONDS), "+Inf"), answered.buckets, strict=True):
                total += count
                buckets.append((bound, float(total)))
            times.add_metric([method, route], buckets, answered.seconds)
        yield counts
        yield times


REQUESTS = Requests()
REGISTRY.register(REQUESTS)
