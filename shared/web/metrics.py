"""The web layer's own metrics. Labels are route templates and codes, never raw paths: their number stays small."""

from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("sponsio_http_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "sponsio_http_request_seconds",
    "From the first byte of a request to the last of its answer",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
REFUSALS = Counter("sponsio_problems_total", "Problems answered by the web layer and the domains", ["code"])
CONSISTENCY_WAITS = Counter("sponsio_consistency_waits_total", "Consistency-Tokens that were waited for", ["outcome"])
REVOCATION_POLLS = Counter("sponsio_revocation_polls_total", "Polls of identity's revocations", ["outcome"])
REVOCATIONS_AGE = Gauge("sponsio_revocations_age_seconds", "Since identity last told its revocations; -1: never")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_count = lru_cache(maxsize=2_048)(REQUESTS.labels)
_seconds = lru_cache(maxsize=512)(SECONDS.labels)


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    method = method if method in METHODS else "OTHER"
    _count(method, route, str(status)).inc()
    _seconds(method, route).observe(seconds)
