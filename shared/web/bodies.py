"""What may come in as a body: JSON (RFC 8259, so no NaN), in UTF-8, at most BODY_LIMIT bytes, and nothing else.

The size that is declared and the content type are looked at before anything is read; a body is read, whole, only when
the handler asks for it, so that a caller who may not do it is told that first.
"""

import json
import math
import sys
from functools import lru_cache
from typing import Any

import orjson
from starlette.exceptions import HTTPException

from shared.web.exchange import answer_problem, header
from shared.web.problems import Problem

BODY_LIMIT = 64 * 1024  # bytes


class BodyRefused(HTTPException):
    """Passes through FastAPI's reading of the body (which turns any other exception into a 400) with its problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status)
        self.problem = problem


class Bodies:
    """Pure ASGI: limits and checks what the layers below receive."""

    def __init__(self, app: Any, limit: int = BODY_LIMIT) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = scope["headers"]
        declared = header(headers, b"content-length")
        size = int(declared) if declared and declared.isdecimal() else 0
        if size > self._limit:
            await answer_problem(scope, send, self._too_large())
        elif (size or header(headers, b"transfer-encoding")) and not is_json(header(headers, b"content-type")):
            await answer_problem(
                scope, send, Problem("content-type-unsupported", headers={"accept": "application/json"})
            )
        else:
            await self._app(scope, _Strict(receive, self._limit, self._too_large), send)

    def _too_large(self) -> Problem:
        return Problem("body-too-large", f"A body may have at most {self._limit} bytes.")


class _Strict:
    """A `receive` that gives the body out in one piece, once all of it is known to be good."""

    def __init__(self, receive: Any, limit: int, too_large: Any) -> None:
        self._receive = receive
        self._limit = limit
        self._too_large = too_large
        self._given = False

    async def __call__(self) -> Any:
        message = await self._receive()
        if self._given or message["type"] != "http.request":
            return message
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            pieces, size = [body], len(body)
            while message.get("more_body"):
                message = await self._receive()
                if message["type"] != "http.request":
                    return message  # the caller has gone
                pieces.append(message.get("body", b""))
                size += len(pieces[-1])
                if size > self._limit:
                    raise BodyRefused(self._too_large())
            body = b"".join(pieces)
        if len(body) > self._limit:
            raise BodyRefused(self._too_large())
        self._given = True
        if body:
            check_json(body)
        return {"type": "http.request", "body": body, "more_body": False}


def check_json(body: bytes) -> None:
    """Raise BodyRefused unless these bytes are JSON. NaN, Infinity, 1e999 and lone surrogates are not."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if _has_only_long_integers(body):
            return  # the value is refused by whoever expects one, with its field
        # The message names a place, but never quotes the text.
        raise BodyRefused(
            Problem("malformed-json", f"Not JSON at line {error.lineno}, column {error.colno}.")
        ) from None


def _has_only_long_integers(body: bytes) -> bool:
    """Tell whether nothing but integers of hundreds of digits is what orjson cannot read in it."""
    try:
        orjson.dumps(json.loads(body.decode(), parse_int=_length, parse_float=_finite, parse_constant=_finite))
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _length(digits: str) -> int:
    if len(digits) > sys.get_int_max_str_digits():
        raise ValueError
    return len(digits)


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError
    return value


@lru_cache(maxsize=100)
def is_json(content_type: str | None) -> bool:
    """Tell whether a Content-Type is application/json, with no charset or UTF-8."""
    kind, *parameters = (content_type or "").lower().split(";")
    charsets = [p.partition("=")[2].strip().strip('"') for p in parameters if p.strip().startswith("charset")]
    return kind.strip() == "application/json" and all(charset == "utf-8" for charset in charsets)
