"""An app with one route of each kind, for the tests of refusals."""

import copy
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from shared.eventstore.append import Overloaded, StoreAway
from shared.eventstore.execute import Busy, KeyReused
from shared.kernel.rejected import Kind, Rejected
from shared.web.app import SignedIn
from shared.web.pages import read_cursor
from shared.web.permissions import INTERNAL, PUBLIC, SIGNED_IN, Permission
from shared.web.values import DEFAULT_PAGE, AmountMinor, Body, Currency, Cursor, Id, Limit, Text, UtcDate


class SoldOut(Rejected):
    code = "sold-out"
    kind = Kind.STATE
    text = "Only {left} left."


class TooDear(Rejected):
    code = "too-dear"
    kind = Kind.VALUE
    field = "price.amount_minor"
    text = "At most {limit}."


class NotYours(Rejected):
    code = "not-yours"
    kind = Kind.FORBIDDEN
    text = "This is not yours."


class NoSuchThing(Rejected):
    code = "no-such-thing"
    kind = Kind.MISSING
    text = "There is no such thing."


RAISED: dict[str, Exception] = {
    "state": SoldOut(left=2),
    "value": TooDear(limit=9),
    "forbidden": NotYours(),
    "missing": NoSuchThing(),
    "busy": Busy(),
    "overloaded": Overloaded(),
    "away": StoreAway("x"),
    "refused": ConnectionRefusedError("10.0.0.1"),
    "reused": KeyReused(),
    "bug": RuntimeError("the marked secret of ada@example.org"),
    "file": FileNotFoundError("the marked secret of ada@example.org"),
}


class Price(Body):
    amount_minor: AmountMinor
    currency: Currency


class Order(Body):
    name: Annotated[str, Text(20)]
    price: Price
    day: UtcDate
    gift: bool = False
    size: Literal["small", "large"] = "small"
    note: Annotated[str, Text(100, least=0, lines=True)] = ""
    things: list[Id] = Field(default_factory=list)


router = APIRouter()


@router.post("/v1/orders")
async def order(body: Order, caller: SignedIn) -> JSONResponse:
    return JSONResponse({"name": body.name, "by": caller.account_id, "role": caller.role})


@router.post("/v1/orders/{order_id}/pay")
async def pay(order_id: Id, request: Request) -> JSONResponse:
    return JSONResponse({"bytes": len(await request.body())})


@router.get("/v1/orders")
async def orders(limit: Limit = DEFAULT_PAGE, cursor: Cursor = None) -> JSONResponse:
    return JSONResponse({"limit": limit, "after": read_cursor(cursor, "orders", (str, int))})


@router.get("/v1/raise/{what}")
async def raise_it(what: str) -> None:
    raise RAISED[what]


@router.get("/internal/stock")
async def stock() -> JSONResponse:
    return JSONResponse({"stock": 1})


PERMISSIONS = [
    Permission("POST", "/v1/orders", frozenset({"sponsor"})),
    Permission("POST", "/v1/orders/{order_id}/pay", SIGNED_IN, idempotent=True),
    Permission("GET", "/v1/orders", PUBLIC),
    Permission("GET", "/v1/raise/{what}", PUBLIC),
    Permission("GET", "/internal/stock", INTERNAL),
]

#: An order that is accepted.
GOOD: dict[str, Any] = {"name": "Ada", "price": {"amount_minor": 5, "currency": "EUR"}, "day": "2026-02-28"}


def changed(**changes: Any) -> dict[str, Any]:
    """Return a good order with some of it changed."""
    return copy.deepcopy(GOOD) | changes


def priced(amount: Any) -> dict[str, Any]:
    """Return a good order with another amount."""
    return changed(price={"amount_minor": amount, "currency": "EUR"})
