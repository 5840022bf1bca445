"""Routed answers as Starlette's own layers do, whatever is asked for, and raises on what nobody has an answer for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, Router

from shared.web.exchange import KEY, Exchange
from shared.web.routed import Routed
from shared.web.tracing import begin

PARTS = ("jars", "new", "1", "x y", "2/3", "")
METHODS = ("GET", "HEAD", "POST", "PATCH", "BREW")


async def tell(request: Request) -> JSONResponse:
    if request.path_params.get("id") == "1":
        raise LookupError("none")
    return JSONResponse([request.scope["endpoint"].__name__, request.url.path, request.path_params])


async def tell_new(request: Request) -> JSONResponse:
    return JSONResponse(["the new one", request.path_params])


ROUTES = [
    Route("/jars", tell, methods=["GET"]),
    Route("/jars/{id}", tell, methods=["GET"]),
    Route("/jars/new", tell_new, methods=["GET", "PATCH"]),  # of GET it gets nothing: the one before it fits
    Route("/jars/{id}", tell_new, methods=["POST"]),
    Route("/jars/{number:int}/{id}", tell, methods=["POST"]),
    Route("/jars/{id}/{other}", tell_new, methods=["POST"]),
]


async def missing(_: Request, problem: Exception) -> PlainTextResponse:
    return PlainTextResponse(f"missing: {problem}", 404)


async def refused(_: Request, problem: Exception) -> PlainTextResponse:
    assert isinstance(problem, HTTPException)
    return PlainTextResponse("refused", problem.status_code, problem.headers)


HANDLERS: dict[Any, Any] = {LookupError: missing, HTTPException: refused}
ROUTER = Router(ROUTES, redirect_slashes=False)


async def answer(app: Any, method: str, path: str) -> list[dict[str, Any]]:
    """Return what is sent."""
    sent: list[dict[str, Any]] = []
    exchange = Exchange(begin())
    scope = {
        "type": "http", "method": method, "path": path, "root_path": "", "headers": [], "query_string": b"",
        "server": ("jars.example", 80), "scheme": "http", "app": app, KEY: exchange,
    }  # fmt: skip

    async def send(message: Any) -> None:
        exchange.status = message.get("status", exchange.status)
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    await app(scope, receive, send)
    return sent


@given(st.sampled_from(METHODS), st.lists(st.sampled_from(PARTS), max_size=4))
async def test_whatever_is_asked_for_is_answered_as_starlette_does(method: str, parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    told = await answer(Routed(ROUTER, HANDLERS), method, path)
    assert told == await answer(ExceptionMiddleware(ROUTER, HANDLERS), method, path)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/jars", 200), ("GET", "/jars/1", 404), ("PATCH", "/jars/1", 405), ("GET", "/pots", 404)],
)
async def test_each_kind_of_answer_is_among_them(method: str, path: str, status: int) -> None:
    told = await answer(Routed(ROUTER, HANDLERS), method, path)
    assert told[0]["status"] == status


async def test_what_has_no_handler_or_comes_after_the_answer_has_begun_is_raised_on() -> None:
    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise LookupError("too late")

    router = Router([Route("/half", tell, methods=["GET"]), *ROUTES])
    router.routes[0].app = half  # type: ignore[attr-defined]
    with pytest.raises(LookupError, match="too late"):
        await answer(Routed(router, HANDLERS), "GET", "/half")
    with pytest.raises(LookupError, match="none"):
        await answer(Routed(router, {HTTPException: refused}), "GET", "/jars/1")


async def test_what_fits_is_found_without_asking_the_router() -> None:
    class Never(Router):
        async def __call__(self, *_: Any) -> None:
            raise AssertionError("it tries all routes")

    assert (await answer(Routed(Never(ROUTES), HANDLERS), "GET", "/jars"))[0]["status"] == 200


def test_an_address_of_any_length_has_no_place() -> None:
    with pytest.raises(ValueError, match="any length"):
        Routed(Router([Route("/files/{name:path}", tell)]), HANDLERS)
