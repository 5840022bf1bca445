"""What a request must be like: every command's route x everything that is wrong with a request, whoever sends it."""

import asyncio
from typing import Any

import pytest

from shared.web.bodies import BODY_LIMIT
from tests.security import samples
from tests.security.market import Market
from tests.security.table import COMMANDS, OF_ONE_OBJECT, WRITES, Row

pytestmark = pytest.mark.asyncio(loop_scope="session")

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}

#: name -> (body as it is sent, headers, status, code)
MALFORMED: dict[str, tuple[bytes, dict[str, str], int, str]] = {
    "half a body": (b'{"amount_minor": 1', JSON, 400, "malformed-json"),
    "no JSON": (b"amount_minor=1", JSON, 400, "malformed-json"),
    "NaN": (b'{"amount_minor": NaN}', JSON, 400, "malformed-json"),
    "Infinity": (b'{"amount_minor": -Infinity}', JSON, 400, "malformed-json"),
    "a number without end": (b'{"amount_minor": 1e999}', JSON, 400, "malformed-json"),
    "no UTF-8": (b'{"message": "\xff"}', JSON, 400, "malformed-json"),
    "a lone surrogate": (b'{"message": "\\ud800"}', JSON, 400, "malformed-json"),
    "a form": (b"amount_minor=1", FORM, 415, "content-type-unsupported"),
    "plain text": (b"{}", {"content-type": "text/plain"}, 415, "content-type-unsupported"),
    "another charset": (b"{}", {"content-type": "application/json; charset=utf-16"}, 415, "content-type-unsupported"),
    "too large": (b'{"message": "' + b"a" * BODY_LIMIT + b'"}', JSON, 413, "body-too-large"),
}

KEYS = {
    "no key": (None, "idempotency-key-required"),
    "an empty key": ("", "idempotency-key-invalid"),
    "a key with a space": ("a key", "idempotency-key-invalid"),
    "a key too long": ("a" * 201, "idempotency-key-invalid"),
}


def named(row: Row) -> str:
    return row.name


async def schema_of(market: Market, row: Row) -> dict[str, Any]:
    """Return the JSON Schema of the route's body as it is described, {} where there is none."""
    document = (await market.gateway.ask("GET", "/v1/openapi.json")).body
    operation = document["paths"][row.permission.path][row.method.lower()]
    if "requestBody" not in operation:
        return {}
    schema: dict[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
    while "$ref" not in schema:
        [schema] = [one for one in schema.get("anyOf", schema.get("allOf", ())) if one.get("type") != "null"]
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


@pytest.mark.parametrize("row", WRITES, ids=named)
async def test_what_is_no_json_is_not_read(market: Market, row: Row) -> None:
    path = samples.address(row, market)

    async def refused(what: str, body: bytes, headers: dict[str, str], status: int, code: str) -> None:
        answer = await market.ask(samples.who_may(row), row.method, path, raw=body, headers=headers)
        answer.assert_refused(f"{row.name} with {what}", status, code)

    async with market.stores.unchanged(row.name):
        await asyncio.gather(*(refused(what, *case) for what, case in MALFORMED.items()))


@pytest.mark.parametrize("row", COMMANDS, ids=named)
async def test_a_command_needs_a_key(market: Market, row: Row) -> None:
    path, body = samples.address(row, market), samples.body(row)
    async with market.stores.unchanged(row.name):
        for what, (key, code) in KEYS.items():
            answer = await market.ask(samples.who_may(row), row.method, path, body, key=key)
            answer.assert_refused(f"{row.name} with {what}", 400, code)


@pytest.mark.parametrize("row", [row for row in WRITES if row.permission.idempotent or samples.body(row)], ids=named)
async def test_each_field_is_known_there_and_of_its_type(market: Market, row: Row) -> None:
    who, path, good = samples.who_may(row), samples.address(row, market), samples.body(row) or {}
    schema = await schema_of(market, row)
    assert good.keys() <= schema.get("properties", {}).keys(), f"{row.name}: the sample is out of date"

    async def refused(what: str, body: dict[str, Any], code: str, name: str) -> None:
        answer = await market.ask(who, row.method, path, body)
        answer.assert_refused(f"{row.name} with {what}", 422, code, name)

    unknown = [refused("an unknown field", {**good, "surprise": 1}, "unknown-field", "surprise")]
    missing = [
        refused(f"no {name}", {key: value for key, value in good.items() if key != name}, "invalid-value", name)
        for name in schema.get("required", ())
    ]
    of_another_type = [
        refused(f"an object as {name}", {**good, name: {"surprise": 1}}, "invalid-value", name)
        for name in schema.get("properties", ())
    ]
    async with market.stores.unchanged(row.name):
        await asyncio.gather(*unknown, *missing, *of_another_type)


@pytest.mark.parametrize("row", OF_ONE_OBJECT, ids=named)
async def test_an_id_is_one_and_of_something_that_exists(market: Market, row: Row) -> None:
    who, body = samples.who_may(row), samples.body(row)
    async with market.stores.unchanged(row.name):
        for id in ("not-an-id", samples.UNKNOWN.replace("-7000-", "-4000-"), samples.UNKNOWN.upper().replace("0", "A")):
            answer = await market.ask(who, row.method, row.at(id), body)
            answer.assert_refused(f"{row.name} of {id}", 422, "invalid-value", row.parameter)
        for id in ("%00", "..%2f..%2finternal", "a%2Fb", "%2e%2e"):
            answer = await market.ask(who, row.method, row.at(id), body)
            assert answer.status in (404, 422), f"{row.name} of {id}: {answer.status}"
        answer = await market.ask(who, row.method, row.at(samples.UNKNOWN), body)
        answer.assert_refused(f"{row.name} of nothing", 404, row.missing)


@pytest.mark.parametrize("row", [row for row in OF_ONE_OBJECT if row.name in samples.FOREIGN], ids=named)
async def test_what_is_somebody_elses_is_not_there(market: Market, row: Row) -> None:
    async with market.stores.unchanged(row.name):
        for who, object in samples.FOREIGN[row.name]:
            if market.people[who].role not in row.roles:
                continue
            answer = await market.ask(who, row.method, row.at(market.ids[object]), samples.body(row))
            answer.assert_refused(f"{row.name} of {object} by {who}", 404, row.missing)
