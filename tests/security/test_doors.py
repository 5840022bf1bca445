"""Who is let in: every route of every permission table x everything that is no good token for it."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_asyncio

from shared.web.permissions import Permission, PermissionTableBroken, pair
from tests.conftest import PATIENCE_SECONDS, Platform
from tests.security import samples
from tests.security.asking import Asking
from tests.security.market import PASSWORD, Market
from tests.security.table import APIS, CLOSED, OPEN, PERSONAL, ROWS, Row
from tests.security.tokens import BAD

pytestmark = pytest.mark.asyncio(loop_scope="session")

BEHIND = [service for service in APIS if service != "gateway"]


def named(row: Row) -> str:
    return row.name


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ended(market: Market) -> str:
    """The access token of a session that has ended: as good as any other, but for that."""
    body = {"email": market.people["influencer"].email, "password": PASSWORD}
    begun = await market.gateway.ask("POST", "/v1/sessions", body)
    assert begun.status == 201, begun.body
    token: str = begun.body["access_token"]
    assert (await market.gateway.ask("GET", "/v1/dashboards/me", token=token)).status == 200
    assert (await market.gateway.ask("POST", "/v1/sessions/sign-out", token=token)).status == 204
    return token


async def refuse_all(door: Asking, row: Row, market: Market, ended: str) -> None:
    """Try everything that is no good token, and a good one of each role that may not."""
    person = market.people[samples.who_may(row)]
    address, body = samples.address(row, market), samples.body(row)

    async def refused(what: str, status: int, code: str, **more: Any) -> None:
        answer = await door.ask(row.method, address, body, **more)
        answer.assert_refused(f"{row.name} with {what}", status, code)

    bad = [
        refused(what, 401, code, headers={"authorization": header} if header else {})
        for what, (make, code) in BAD.items()
        for header in [make(market.mint, person.account_id, person.role)]
    ]
    roles = [
        refused(f"the role {role}", 403, "role-not-allowed", token=market.people[role].token)
        for role in row.other_roles
    ]
    await asyncio.gather(*bad, *roles, refused("an ended session", 401, "session-ended", token=ended))


async def told_of_the_end(door: Asking, token: str) -> None:
    """Wait until the process behind a door has heard that a session has ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (await door.ask("GET", "/v1/accounts/me", token=token)).status == 200:
        assert time.monotonic() < deadline, "the end of a session is not heard of"
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("row", PERSONAL, ids=named)
async def test_nobody_passes_without_a_good_token_of_a_role_that_may(market: Market, ended: str, row: Row) -> None:
    await told_of_the_end(market.gateway, ended)
    async with market.stores.unchanged(row.name):
        await refuse_all(market.gateway, row, market, ended)


@pytest.mark.parametrize("service", BEHIND)
async def test_a_service_looks_for_itself(platform: Platform, market: Market, ended: str, service: str) -> None:
    door = market.gateway.of(platform.state.settings["gateway"][f"{service.upper()}_URL"])
    personal = [row for row in PERSONAL if row.service == service]
    deadline = time.monotonic() + PATIENCE_SECONDS
    first = next(row for row in personal if row.method == "POST")
    while (await door.ask(first.method, samples.address(first, market), raw=b"{", token=ended)).code != "session-ended":
        assert time.monotonic() < deadline, f"{service} has not heard of the end of a session"
        await asyncio.sleep(0.1)
    async with market.stores.unchanged(service):
        for row in personal:
            await refuse_all(door, row, market, ended)


@pytest.mark.parametrize("row", OPEN, ids=named)
async def test_on_open_routes_a_token_is_not_looked_at(market: Market, row: Row) -> None:
    async with market.stores.unchanged(row.name):
        plain = await market.gateway.ask(row.method, row.permission.path, samples.body(row), key=None)
        for what, (make, _) in BAD.items():
            header = make(market.mint, market.ids["admin"], "admin")
            answer = await market.gateway.ask(
                row.method, row.permission.path, samples.body(row), key=None, headers={"authorization": header}
            )
            assert (answer.status, answer.code) == (plain.status, plain.code), f"{row.name} with {what}"


@pytest.mark.parametrize("row", CLOSED, ids=named)
async def test_what_is_between_services_does_not_exist_outside(platform: Platform, market: Market, row: Row) -> None:
    secret = platform.state.settings[row.service]["SERVICE_SECRET"]
    path = row.at(market.ids["sponsor"]) + ("?after=0" if "revocations" in row.name else "")
    async with market.stores.unchanged(row.name):
        for token in ("", market.people["admin"].token, secret):
            answer = await market.gateway.ask(row.method, path, token=token)
            answer.assert_refused(f"{row.name} through the gateway", 404, "not-found")
        behind = market.gateway.of(platform.state.settings["gateway"][f"{row.service.upper()}_URL"])
        assert (await behind.ask(row.method, path, token=secret)).status == 200, row.name
        for token, code in (("", "token-required"), (market.people["admin"].token, "token-invalid")):
            answer = await behind.ask(row.method, path, token=token)
            answer.assert_refused(f"{row.name} at its service", 401, code)


async def test_every_route_that_is_described_is_in_a_table_with_its_roles(market: Market) -> None:
    described = (await market.gateway.ask("GET", "/v1/openapi.json")).body["paths"]
    told = {
        (method.upper(), path): operation.get("x-roles", [])
        for path, operations in described.items()
        for method, operation in operations.items()
    }
    assert told == {(row.method, row.permission.path): row.roles for row in ROWS if row not in CLOSED}


def without(service: str) -> Iterator[tuple[Permission, list[Permission]]]:
    """Yield each row of a service's table with the table that is left without it."""
    table = list(APIS[service].PERMISSIONS)
    for row in table:
        yield row, [other for other in table if other is not row]


@pytest.mark.parametrize("service", APIS)
async def test_a_route_without_a_row_does_not_start(service: str) -> None:
    routes = APIS[service].router.routes
    pair(APIS[service].PERMISSIONS, routes)
    for row, rest in without(service):
        with pytest.raises(PermissionTableBroken, match="has no row"):
            pair(rest, routes)
        with pytest.raises(PermissionTableBroken, match="has a row but no route"):
            pair([*rest, row, Permission(row.method, row.path + "/new", row.roles)], routes)


async def test_nobody_is_left_out_of_the_samples() -> None:
    assert {row.name for row in ROWS if row.parameter} - {row.name for row in CLOSED} == (
        samples.FOREIGN.keys() | samples.EVERYBODYS
    )
    assert samples.BODIES.keys() <= {row.name for row in ROWS}
