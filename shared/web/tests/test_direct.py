"""ADR 0013: the short way into a handler tells what FastAPI itself tells, and is the way that is taken."""

import asyncio
import json
from typing import Annotated, Any, cast

import orjson
import pytest
from fastapi import APIRouter, Cookie, Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.responses import Response
from starlette.routing import Route

from shared.web.app import SignedIn, create_app
from shared.web.authentication import Authenticator, Caller
from shared.web.direct import Direct, way_into
from shared.web.guard import Guard
from shared.web.permissions import SIGNED_IN, Permission
from shared.web.tests import shop
from shared.web.values import Body, Id, Limit, Text

ID = "01900000-0000-7000-8000-000000000000"
BUYER = Caller(ID, "sponsor", ID, 2**40)
GOOD = orjson.dumps(shop.GOOD)


class Everybody(Authenticator):
    """Knows one person, whatever is sent."""

    def __init__(self) -> None: ...

    async def caller(self, authorization: str | None) -> Caller:
        return BUYER


class Empty(Body):
    """All may be left out."""

    note: Annotated[str, Text(10)] = "none"
    factor: float = 1.0


NOTHING = Empty()
router = APIRouter()


@router.post("/v1/things/{thing_id}/{number}")
async def change(thing_id: Id, number: int, request: Request, caller: SignedIn, body: Empty = NOTHING) -> JSONResponse:
    size = len(await request.body())
    return JSONResponse([thing_id, number, caller.account_id, body.note, body.factor, size], 202, {"etag": '"1"'})


PERMISSIONS = [*shop.PERMISSIONS, Permission("POST", "/v1/things/{thing_id}/{number}", SIGNED_IN)]


def made() -> FastAPI:
    return create_app("shop", PERMISSIONS, [shop.router, router], authenticator=Everybody(), service_secret="s")


def guards(app: FastAPI) -> dict[str, Guard]:
    return {
        f"{min(route.methods or ())} {route.path}": cast(Guard, route.app) for route in cast(list[Route], app.routes)
    }


def all_by_fastapi() -> FastAPI:
    """Return the same app as FastAPI has made it."""
    app = made()
    for guard in guards(app).values():
        if isinstance(guard._app, Direct):
            guard._app = guard._app._long
    return app


SHORT, LONG = made(), all_by_fastapi()

JSON = "application/json"

#: Status, headers and body, without what is of one request alone.
Told = tuple[int, list[tuple[bytes, bytes]], bytes]


async def asked(app: Any, method: str, path: str, body: bytes, kind: str = JSON, *, gone: bool = False) -> Told:
    """Send one request, its body in two pieces; `gone`: nobody is there any more after the first."""
    headers = {"x-correlation-id": ID, "content-type": kind, "idempotency-key": "k"}
    if body:
        headers["content-length"] = str(len(body))
    pieces = [
        {"type": "http.request", "body": body[:9], "more_body": True},
        {"type": "http.request", "body": body[9:], "more_body": False},
    ][: 1 if gone else 2]
    sent: list[Any] = []

    async def receive() -> Any:
        return pieces.pop(0) if pieces else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    await app(scope, receive, send)
    told = [pair for pair in sent[0]["headers"] if pair[0] != b"date"]
    return sent[0]["status"], told, b"".join(message["body"] for message in sent[1:])


async def same(method: str, path: str, body: bytes = b"", kind: str = JSON) -> Told:
    """Return what both tell."""
    short, long = await asked(SHORT, method, path, body, kind), await asked(LONG, method, path, body, kind)
    assert short == long
    return short


THING = f"/v1/things/{ID}/7"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/orders", GOOD, 200),
        ("/v1/orders", b"", 422),
        ("/v1/orders", b"{", 400),
        ("/v1/orders", b"[]", 422),
        ("/v1/orders", b'"text"', 422),
        ("/v1/orders", b'{"name":"\\ud800"}', 400),
        ("/v1/orders", GOOD.replace(b"5", b"9" * 30), 422),
        ("/v1/orders", GOOD.replace(b"5", b"9" * 400), 422),
        ("/v1/orders", b'{"name":"Eve",' + GOOD[1:], 200),
        ("/v1/orders", b'{"gift":true,' + GOOD[1:], 200),
        ("/v1/orders", b'{"gift":1,' + GOOD[1:], 422),
        ("/v1/orders", b'{"gift":"true",' + GOOD[1:], 422),
        ("/v1/orders", GOOD.replace(b"5", b"5.0"), 422),
        (THING, b"", 202),
        (THING, b"{}", 202),
        (THING, b'{"note":" seen "}', 202),
        (THING, b'{"factor":100000000000000000000}', 202),
        (THING, b'{"factor":2}', 202),
        (THING, b'"text"', 422),
        (THING, b'{"more":1}', 422),
        (THING + "x", b"{}", 422),
        (THING + "x", b'{"more":1}', 422),
        ("/v1/things/x/1", b'{"more":1}', 422),
        (f"/v1/orders/{ID}/pay", b"", 200),
        (f"/v1/orders/{ID}/pay", b"{}", 200),
        ("/v1/orders/x/pay", b"", 422),
    ],
)
async def test_both_ways_tell_the_same(path: str, body: bytes, status: int) -> None:
    assert (await same("POST", path, body))[0] == status


@pytest.mark.parametrize("what", [*shop.RAISED, "unknown"])
async def test_both_ways_tell_the_same_of_what_a_handler_raises(what: str) -> None:
    await same("GET", f"/v1/raise/{what}")


NAMES = st.sampled_from([*shop.Order.model_fields, *shop.Price.model_fields, "more"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.just("EUR"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(changes=st.dictionaries(NAMES, VALUES, max_size=3), price=st.none() | st.dictionaries(NAMES, VALUES, max_size=2))
def test_both_ways_tell_the_same_of_any_body(changes: dict[str, Any], price: dict[str, Any] | None) -> None:
    body = shop.changed(**changes)
    if price is not None:
        body["price"] = shop.GOOD["price"] | price
    asyncio.run(same("POST", "/v1/orders", json.dumps(body).encode()))


async def test_what_is_as_it_should_be_takes_the_short_way() -> None:
    app = made()
    for guard in guards(app).values():
        if isinstance(guard._app, Direct):
            guard._app._long = None
    assert (await asked(app, "POST", "/v1/orders", GOOD))[0] == 200
    assert (await asked(app, "POST", THING, b'{"note":"seen"}'))[0] == 202
    assert (await asked(app, "POST", f"/v1/orders/{ID}/pay", b""))[0] == 200
    assert (await asked(app, "POST", "/v1/orders", b"{}"))[0] == 500  # this one does not


@pytest.mark.parametrize(("path", "status"), [("/v1/orders", 400), (THING, 400), (f"/v1/orders/{ID}/pay", 400)])
async def test_who_goes_before_the_body_came_is_no_fault_of_ours(path: str, status: int) -> None:
    assert (await asked(SHORT, "POST", path, GOOD, gone=True))[0] == status


class Loose(BaseModel):
    name: str


async def nobody(request: Request, name: str) -> str:
    return name


def blocking(request: Request) -> str:
    return ""


async def of_query(limit: Limit = 5) -> Response:
    return Response()


async def of_header(name: Annotated[str, Header()]) -> Response:
    return Response()


async def of_cookie(name: Annotated[str, Cookie()]) -> Response:
    return Response()


async def of_body(body: Empty) -> Response:
    return Response()


async def of_loose_body(body: Loose) -> Response:
    return Response()


async def of_two_bodies(body: Empty, other: Empty) -> Response:
    return Response()


async def of_nested_dependency(name: Annotated[str, Depends(nobody)]) -> Response:
    return Response()


async def of_blocking_dependency(name: Annotated[str, Depends(blocking)]) -> Response:
    return Response()


async def of_model_answer(body: Empty) -> Empty:
    return body


def of_thread(body: Empty) -> Response:
    return Response()


HANDLERS = [
    of_query, of_header, of_cookie, of_loose_body, of_two_bodies, of_nested_dependency, of_blocking_dependency,
    of_model_answer, of_thread,
]  # fmt: skip


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.__name__)
def test_what_is_not_known_is_left_to_fastapi(handler: Any) -> None:
    router = APIRouter()
    router.post("/v1/somewhere", response_model=None)(handler)
    assert not isinstance(way_into(cast(Route, router.routes[0])), Direct)


def test_what_a_router_wants_of_all_its_routes_is_left_to_fastapi() -> None:
    for dependencies, short in (([], True), ([Depends(blocking)], False)):
        router = APIRouter(dependencies=dependencies)
        router.post("/v1/somewhere")(of_body)
        assert isinstance(way_into(cast(Route, router.routes[0])), Direct) == short
