"""Exceptions of the framework, the domains and the store, turned into problems."""

import json
import socket
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shared.eventstore.append import Overloaded, StoreAway
from shared.eventstore.codec import UnknownType
from shared.eventstore.database import AWAY
from shared.eventstore.execute import Busy, KeyReused
from shared.kernel.rejected import Rejected
from shared.web.bodies import BodyRefused
from shared.web.exchange import exchange_of
from shared.web.problems import PROBLEM_JSON, FieldError, Problem, refusal_body, refusal_status

log = structlog.get_logger()

#: What the store raises when nothing is wrong with the request; the caller may ask again.
UNAVAILABLE: Mapping[type[Exception], str] = {
    Busy: "busy",
    Overloaded: "overloaded",
    StoreAway: "unavailable",
    UnknownType: "unavailable",  # written by a newer release than this process
    **dict.fromkeys((kind for kind in AWAY if kind is not OSError), "unavailable"),
    **dict.fromkeys((ConnectionError, socket.gaierror), "unavailable"),  # of OSError only these: others are bugs
}

#: Kinds of pydantic errors whose own words say what is expected and never quote the value.
PLAIN_KINDS = frozenset({
    "missing", "extra_forbidden", "unacceptable", "literal_error", "finite_number", "multiple_of",
    "int_type", "int_parsing", "int_from_float", "int_parsing_size", "float_type", "bool_type", "bool_parsing",
    "string_type", "list_type", "dict_type", "model_type", "model_attributes_type", "too_short", "too_long",
    "string_too_short", "string_too_long", "string_pattern_mismatch",
    "greater_than", "greater_than_equal", "less_than", "less_than_equal",
})  # fmt: skip

MOST_ERRORS = 20
LONGEST_FIELD = 100


def unacceptable(text: str) -> PydanticCustomError:
    """Return what a validator raises: `text` reaches the caller, so it never contains the value."""
    return PydanticCustomError("unacceptable", "{text}", {"text": text})


def field_errors(error: RequestValidationError) -> Problem:
    """Return the problem of values that pydantic refused: dotted paths and what is expected there."""
    found = error.errors()
    errors = [FieldError(_path(one["loc"]), _expectation(one)) for one in found[:MOST_ERRORS]]
    return Problem("unknown-field" if found[0]["type"] == "extra_forbidden" else "invalid-value", errors=errors)


def problem_response(request: Request, problem: Problem) -> Response:
    """Return a problem as a response."""
    exchange = exchange_of(request.scope)
    exchange.problem = problem.code
    body = problem.body(exchange.context.correlation_id)
    return Response(body, problem.status, {"cache-control": "no-store", **problem.headers}, PROBLEM_JSON)


async def on_problem(request: Request, problem: Problem) -> Response:
    """Answer a problem that was raised as such."""
    return problem_response(request, problem)


async def on_rejected(request: Request, rejected: Rejected) -> Response:
    """Answer a refusal that a query or a handler without an idempotency key raised."""
    exchange = exchange_of(request.scope)
    exchange.problem = rejected.code
    body = refusal_body(rejected, exchange.context.correlation_id)
    return Response(body, refusal_status(rejected), {"cache-control": "no-store"}, PROBLEM_JSON)


async def on_validation(request: Request, error: RequestValidationError) -> Response:
    """Answer values that the models refuse; what is no JSON at all is refused before."""
    if any(one["type"] == "json_invalid" for one in error.errors()):
        return problem_response(request, Problem("malformed-json"))
    return problem_response(request, field_errors(error))


async def on_http(request: Request, error: HTTPException) -> Response:
    """Answer what the framework itself refuses."""
    if isinstance(error, BodyRefused):
        return problem_response(request, error.problem)
    match error.status_code:
        case 404:
            problem = Problem("not-found")
        case 405:
            problem = Problem("method-not-allowed", headers=error.headers)
        case 400 if isinstance(error.__cause__, (ValueError, RecursionError, json.JSONDecodeError)):
            problem = Problem("malformed-json")
        case 400:
            problem = Problem("bad-request")
        case _:
            raise error
    return problem_response(request, problem)


async def on_unavailable(request: Request, error: Exception) -> Response:
    """Answer that nothing is wrong with the request, and when to try again."""
    code = next(code for kind, code in UNAVAILABLE.items() if isinstance(error, kind))
    log.warning("request_unavailable", problem=code, error=type(error).__name__)
    return problem_response(request, Problem(code))


async def on_key_reused(request: Request, error: KeyReused) -> Response:
    """Answer that the key belongs to another request."""
    return problem_response(request, Problem("idempotency-key-reused"))


HANDLERS: dict[Any, Any] = {
    Problem: on_problem,
    Rejected: on_rejected,
    RequestValidationError: on_validation,
    HTTPException: on_http,
    KeyReused: on_key_reused,
    **dict.fromkeys(UNAVAILABLE, on_unavailable),
}


def _path(location: tuple[int | str, ...]) -> str:
    """Return the place of an error as the caller wrote it: without where FastAPI looked for it."""
    inner = location[1:] if len(location) > 1 and location[0] in ("body", "query", "path", "header") else location
    return ".".join(str(part) for part in inner)[:LONGEST_FIELD]


def _expectation(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "This field is not known here."
    if error["type"] not in PLAIN_KINDS:
        return "This value is not acceptable."
    text: str = error["msg"]
    return text if text.endswith(".") else f"{text}."
