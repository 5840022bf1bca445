"""The outermost layer: correlation, trace, access log, metrics, and the last net under unexpected exceptions."""

import time
from email.utils import formatdate
from functools import lru_cache
from typing import Any

import structlog

from shared.web import metrics, tracing
from shared.web.exchange import KEY, Exchange, answer_problem, header
from shared.web.logs import describe, requests
from shared.web.problems import Problem

#: Asked each few seconds by whoever runs the process: neither counted nor logged.
UNOBSERVED = frozenset({"/livez", "/readyz", "/metrics"})

UNMATCHED = "unmatched"

log = structlog.get_logger()


class Observe:
    """Pure ASGI. The route template is logged, not the path: what people type into addresses may be personal data."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = scope["headers"]
        context = tracing.begin(header(headers, b"traceparent"), header(headers, b"x-correlation-id"))
        exchange = scope[KEY] = Exchange(context)
        started = time.perf_counter()

        async def observed(message: Any) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"date", http_date(int(time.time()))),
                    (b"x-correlation-id", context.correlation_id.encode()),
                ]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except Exception as problem:
            log.error("request_failed", route=_route(exchange), method=scope["method"], **describe(problem))
            if exchange.status:
                raise  # half an answer is sent: the server has to cut the connection
            await answer_problem(scope, observed, Problem("internal-error"))
        finally:
            if scope["path"] not in UNOBSERVED:
                self._note(scope["method"], exchange, time.perf_counter() - started)

    def _note(self, method: str, exchange: Exchange, seconds: float) -> None:
        route, status = _route(exchange), exchange.status
        metrics.REQUESTS.observe(method, route, status, seconds)
        if exchange.problem is not None:
            metrics.REFUSALS.labels(exchange.problem).inc()
        context = exchange.context
        requests.note(context.correlation_id, context.trace.trace_id, method, route, status, seconds, exchange.problem)


@lru_cache(maxsize=1)
def http_date(second: int) -> bytes:
    """Return a Unix time as the Date header has it (RFC 9110, 5.6.7)."""
    return formatdate(second, usegmt=True).encode()


def _route(exchange: Exchange) -> str:
    return exchange.permission.path if exchange.permission else UNMATCHED
