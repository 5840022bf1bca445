"""One request and what the layers around the handler know of it: kept in the ASGI scope, made by `Observe`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.web.problems import PROBLEM_JSON, Problem
from shared.web.tracing import Context

if TYPE_CHECKING:
    from shared.web.authentication import Caller
    from shared.web.permissions import Permission

KEY = "sponsio"

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(slots=True)
class Exchange:
    """`permission` and `caller` are set by the guard, once the route is known; a public route has no caller."""

    context: Context
    permission: "Permission | None" = None
    caller: "Caller | None" = None
    problem: str | None = None  # the code that was answered
    status: int = 0  # of the answer, once it has begun


def exchange_of(scope: Any) -> Exchange:
    """Return the exchange of this request."""
    exchange: Exchange = scope[KEY]
    return exchange


def header(headers: Headers, name: bytes) -> str | None:
    """Return the first header of that (lower-case) name."""
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return None


async def answer_problem(scope: Any, send: Any, problem: Problem) -> None:
    """Send a problem as the whole response."""
    exchange = exchange_of(scope)
    exchange.problem = problem.code
    body = problem.body(exchange.context.correlation_id)
    await send({"type": "http.response.start", "status": problem.status, "headers": problem_headers(problem, body)})
    await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})


def problem_headers(problem: Problem, body: bytes) -> list[tuple[bytes, bytes]]:
    """Return the headers of a problem's response, without those that every response gets."""
    return [
        (b"content-type", PROBLEM_JSON.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *((name.encode(), value.encode()) for name, value in problem.headers.items()),
    ]
