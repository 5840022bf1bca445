"""A table that does not match the routes keeps a service from starting; shown for each way of not matching."""

import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Mount, Router

from shared.web.app import create_app
from shared.web.permissions import PUBLIC, SIGNED_IN, Permission, PermissionTableBroken
from shared.web.tests import shop

GOOD = [Permission("GET", "/a", SIGNED_IN), Permission("POST", "/a", SIGNED_IN, idempotent=True)]


def router() -> APIRouter:
    made = APIRouter()

    @made.get("/a")
    @made.post("/a")
    async def a() -> None: ...

    return made


def made(rows: list[Permission], *routers: Router) -> FastAPI:
    return create_app("a", rows, routers or [router()], authenticator=None)


def test_a_table_that_matches() -> None:
    assert made(GOOD).openapi()["openapi"].startswith("3.1")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (GOOD[:1], "POST /a has no row"),
        ([*GOOD, Permission("GET", "/b", PUBLIC)], "GET /b has a row but no route"),
        ([*GOOD, Permission("PUT", "/a", PUBLIC)], "PUT /a has a row but no route"),
        ([*GOOD, Permission("GET", "/a", PUBLIC)], "GET /a has 2 rows"),
        ([GOOD[0], Permission("POST", "/a", frozenset())], "POST /a is open to"),
        ([GOOD[0], Permission("POST", "/a", frozenset({"sponsors"}))], "sponsors"),
        ([*GOOD, Permission("GET", "/livez", PUBLIC)], "GET /livez has 2 rows"),
    ],
)
def test_a_table_that_does_not(rows: list[Permission], said: str) -> None:
    with pytest.raises(PermissionTableBroken, match=said):
        made(rows)


def test_two_routes_of_one_address_and_what_is_no_route() -> None:
    with pytest.raises(PermissionTableBroken, match="GET /a has two routes"):
        made(GOOD, router(), router())
    with pytest.raises(PermissionTableBroken, match="/m is no plain route"):
        made(GOOD, router(), Router([Mount("/m", app=FastAPI())]))
    outer = APIRouter()
    outer.include_router(router(), prefix="/b")
    with pytest.raises(PermissionTableBroken, match="no plain route"):
        made(GOOD, router(), outer)


def test_two_apps_of_one_router_have_guards_of_their_own() -> None:
    first, second = (create_app("shop", shop.PERMISSIONS, [shop.router], authenticator=None) for _ in range(2))
    paths = {route.path: route.app for route in first.routes}  # type: ignore[attr-defined]
    for route in second.routes:
        mine, theirs = route.app, paths[route.path]  # type: ignore[attr-defined]
        assert mine is not theirs
        assert type(mine._app) is not type(mine), "a guard inside a guard"


def test_openapi_says_who_may_what_is_needed_and_that_errors_are_problems() -> None:
    document = create_app("shop", shop.PERMISSIONS, [shop.router], authenticator=None).openapi()
    pay = document["paths"]["/v1/orders/{order_id}/pay"]["post"]
    assert pay["security"] == [{"access": []}]
    assert pay["x-roles"] == ["admin", "influencer", "sponsor"]
    assert "Idempotency-Key" in [parameter["name"] for parameter in pay["parameters"]]
    order = document["paths"]["/v1/orders"]["post"]
    assert order["x-roles"] == ["sponsor"]
    assert "application/problem+json" in order["responses"]["default"]["content"]
    assert "422" not in order["responses"]
    assert document["paths"]["/internal/stock"]["get"]["security"] == [{"service": []}]
    assert document["components"]["schemas"]["Price"]["properties"]["amount_minor"]["maximum"] == 100_000_000_000
