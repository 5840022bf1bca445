"""Each refusal of the web layer, over real HTTP: the documented problem, the field named, no value echoed."""

import asyncio
import copy
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from shared.kernel.ids import new_id
from shared.web.bodies import BODY_LIMIT
from shared.web.tests.conftest import Shop
from shared.web.tests.running import problem, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOOD: dict[str, Any] = {
    "name": "Ada",
    "price": {"amount_minor": 5, "currency": "EUR"},
    "day": "2026-02-28",
}


def changed(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(GOOD) | changes


def priced(amount: Any) -> dict[str, Any]:
    return changed(price={"amount_minor": amount, "currency": "EUR"})


async def send(shop: Shop, body: bytes, **headers: str) -> Any:
    given = signed(shop.identity.token()) | {"content-type": "application/json"} | headers
    return await problem(await shop.client.post("/v1/orders", data=body, headers=given))


async def test_a_good_order_gets_through(shared_shop: Shop) -> None:
    body = changed(gift=True, size="large", note="two\nlines", things=[new_id()])
    response = await shared_shop.client.post("/v1/orders", json=body, headers=signed(shared_shop.identity.token()))
    assert response.status == 200, await response.text()
    assert (await response.json())["role"] == "sponsor"


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (changed(more=1), "unknown-field", "more"),
        (changed(price={"amount_minor": 1, "currency": "EUR", "more": 1}), "unknown-field", "price.more"),
        ({"name": "Ada"}, "invalid-value", "price"),
        (priced(0), "invalid-value", "price.amount_minor"),
        (priced(-1), "invalid-value", "price.amount_minor"),
        (priced(1.0), "invalid-value", "price.amount_minor"),
        (priced(1.5), "invalid-value", "price.amount_minor"),
        (priced("1"), "invalid-value", "price.amount_minor"),
        (priced(True), "invalid-value", "price.amount_minor"),
        (priced(None), "invalid-value", "price.amount_minor"),
        (priced(10**11 + 1), "invalid-value", "price.amount_minor"),
        (priced(2**64), "invalid-value", "price.amount_minor"),
        (changed(price={"amount_minor": 1, "currency": "XXX"}), "invalid-value", "price.currency"),
        (changed(price={"amount_minor": 1, "currency": "eur"}), "invalid-value", "price.currency"),
        (changed(price=[]), "invalid-value", "price"),
        (changed(name=""), "invalid-value", "name"),
        (changed(name="   "), "invalid-value", "name"),
        (changed(name="x" * 21), "invalid-value", "name"),
        (changed(name="a\0b"), "invalid-value", "name"),
        (changed(name="a\nb"), "invalid-value", "name"),
        (changed(name=7), "invalid-value", "name"),
        (changed(note="a\x07b"), "invalid-value", "note"),
        (changed(gift=1), "invalid-value", "gift"),
        (changed(gift="true"), "invalid-value", "gift"),
        (changed(size="medium"), "invalid-value", "size"),
        (changed(day="2026-02-30"), "invalid-value", "day"),
        (changed(day="20260228"), "invalid-value", "day"),
        (changed(day="2026-W09-6"), "invalid-value", "day"),
        (changed(day="2026-02-28T00:00:00Z"), "invalid-value", "day"),
        (changed(day=20260228), "invalid-value", "day"),
        (changed(things=["x"]), "invalid-value", "things.0"),
        (changed(things="x"), "invalid-value", "things"),
        ([], "invalid-value", "body"),
        (7, "invalid-value", "body"),
    ],
)
async def test_a_value_that_is_not_acceptable(shared_shop: Shop, body: Any, code: str, field: str) -> None:
    raw = orjson.dumps(body) if body != priced(2**64) else b'{"name":"A","price":{"amount_minor":18446744073709551616}}'
    assert await send(shared_shop, raw) == (422, code, field)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nothing",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"name": "\\ud800"}',
        b'{"name": "\xff"}',
        b"\xef\xbb\xbf{}",
        b"{'a': 1}",
        b"[" * 5_000 + b"]" * 5_000,
        b'{"price":{"amount_minor":' + b"9" * 5_000 + b"}}",
        b" ",
    ],
)
async def test_what_is_no_json(shared_shop: Shop, body: bytes) -> None:
    status, code, field = await send(shared_shop, body)
    assert (status, code, field) == (400, "malformed-json", None)


async def test_many_wrong_values_are_all_named_but_not_without_end(shared_shop: Shop) -> None:
    body = orjson.dumps(changed(things=["x"] * 1_000, name=7))
    headers = signed(shared_shop.identity.token()) | {"content-type": "application/json"}
    response = await shared_shop.client.post("/v1/orders", data=body, headers=headers)
    errors = (await response.json())["errors"]
    assert errors[0] == {"field": "name", "detail": "Input should be a valid string."}
    assert len(errors) == 20


async def test_nothing_that_was_sent_comes_back(shared_shop: Shop) -> None:
    marked = "ada@example.org"
    body = changed(
        name=marked * 3, size=marked, day=marked, things=[marked], price={"amount_minor": marked, "currency": marked}
    )
    headers = signed(shared_shop.identity.token())
    response = await shared_shop.client.post("/v1/orders", json=body, headers=headers)
    assert len((await response.json())["errors"]) == 6
    assert marked not in await response.text()


async def test_a_body_of_another_type(shared_shop: Shop) -> None:
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "application/jsonp",
    ):
        assert await send(shared_shop, b"{}", **{"content-type": kind}) == (415, "content-type-unsupported", None)
    good = orjson.dumps(GOOD)
    for kind in ("application/json; charset=UTF-8", "Application/JSON"):
        headers = signed(shared_shop.identity.token()) | {"content-type": kind}
        assert (await shared_shop.client.post("/v1/orders", data=good, headers=headers)).status == 200


async def test_a_body_that_is_too_large(shared_shop: Shop) -> None:
    assert await send(shared_shop, b" " * (BODY_LIMIT + 1)) == (413, "body-too-large", None)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b" " * (BODY_LIMIT // 8)
            await asyncio.sleep(0)

    assert await send(shared_shop, pieces()) == (413, "body-too-large", None)  # type: ignore[arg-type]
    within = orjson.dumps(GOOD).ljust(BODY_LIMIT)
    headers = signed(shared_shop.identity.token()) | {"content-type": "application/json"}
    assert (await shared_shop.client.post("/v1/orders", data=within, headers=headers)).status == 200


async def test_a_declared_size_is_refused_without_waiting_for_the_body(shared_shop: Shop) -> None:
    url = shared_shop.client._base_url
    assert url is not None
    reader, writer = await asyncio.open_connection(url.host, url.port or 80)
    writer.write(b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
    async with asyncio.timeout(30):
        assert b" 413 " in await reader.readline()
    writer.close()


async def test_who_is_asking_comes_before_what_is_asked(shared_shop: Shop) -> None:
    response = await shared_shop.client.post("/v1/orders", data=b"{", headers={"content-type": "application/json"})
    assert (await problem(response))[1] == "token-required"


async def test_addresses_that_are_not_there(shared_shop: Shop) -> None:
    client = shared_shop.client
    assert await problem(await client.get("/v1/nothing")) == (404, "not-found", None)
    assert await problem(await client.get("/v1/orders/")) == (404, "not-found", None)
    assert await problem(await client.get("/docs")) == (404, "not-found", None)
    response = await client.delete("/v1/orders")
    assert await problem(response) == (405, "method-not-allowed", None)
    assert "allow" in response.headers


async def test_ids_pages_and_cursors_in_addresses(shared_shop: Shop) -> None:
    client, headers = shared_shop.client, signed(shared_shop.identity.token()) | {"idempotency-key": "k"}
    for bad in ("x", new_id().upper(), "550e8400-e29b-41d4-a716-446655440000"):
        response = await client.post(f"/v1/orders/{bad}/pay", headers=headers)
        assert await problem(response) == (422, "invalid-value", "order_id")
    for limit in ("0", "101", "x", "1.5", "-1"):
        assert await problem(await client.get("/v1/orders", params={"limit": limit})) == (422, "invalid-value", "limit")
    for cursor in ("x", "é", "", "A" * 501):
        response = await client.get("/v1/orders", params={"cursor": cursor})
        assert await problem(response) == (422, "invalid-value", "cursor")


@pytest.mark.parametrize(
    ("what", "status", "code", "field"),
    [
        ("state", 409, "sold-out", None),
        ("value", 422, "too-dear", "price.amount_minor"),
        ("forbidden", 403, "not-yours", None),
        ("missing", 404, "no-such-thing", None),
        ("busy", 503, "busy", None),
        ("overloaded", 503, "overloaded", None),
        ("away", 503, "unavailable", None),
        ("refused", 503, "unavailable", None),
        ("reused", 422, "idempotency-key-reused", None),
    ],
)
async def test_what_a_handler_raises(shared_shop: Shop, what: str, status: int, code: str, field: str | None) -> None:
    response = await shared_shop.client.get(f"/v1/raise/{what}")
    assert await problem(response) == (status, code, field)
    assert ("retry-after" in response.headers) == (status == 503)


async def test_details_of_a_refusal_are_members(shared_shop: Shop) -> None:
    told = await (await shared_shop.client.get("/v1/raise/state")).json()
    assert (told["left"], told["detail"], told["title"]) == (2, "Only 2 left.", "Sold out")


@pytest.mark.parametrize("what", ["bug", "file", "unknown"])
async def test_a_bug_tells_nothing_of_itself(shared_shop: Shop, what: str, capfd: pytest.CaptureFixture[str]) -> None:
    response = await shared_shop.client.get(f"/v1/raise/{what}")
    assert await problem(response) == (500, "internal-error", None)
    text = await response.text()
    assert "marked" not in text
    assert "Error" not in text
    logged = "".join(capfd.readouterr())
    assert "request_failed" in logged
    assert "marked" not in logged
