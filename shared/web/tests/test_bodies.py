"""Bodies that are refused before anybody looks into them, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from shared.web.bodies import BODY_LIMIT
from shared.web.tests import shop
from shared.web.tests.conftest import Shop
from shared.web.tests.running import problem, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
        b'{"name": "\\ud800", "a": ' + b"9" * 400 + b"}",
        b'\xef\xbb\xbf{"a": ' + b"9" * 400 + b"}",
        b'{"b": NaN, "a": ' + b"9" * 400 + b"}",
        b"[" * 5_000 + b"]" * 5_000,
        b'{"price":{"amount_minor":' + b"9" * 5_000 + b"}}",
        b" ",
    ],
)
async def test_what_is_no_json(shared_shop: Shop, body: bytes) -> None:
    status, code, field = await shared_shop.order(body)
    assert (status, code, field) == (400, "malformed-json", None)


async def test_an_integer_beyond_every_number_is_a_value_with_its_field(shared_shop: Shop) -> None:
    body = orjson.dumps(shop.GOOD | {"price": {"amount_minor": 7, "currency": "EUR"}}).replace(b"7", b"9" * 400)
    assert await shared_shop.order(body) == (422, "invalid-value", "price.amount_minor")


async def test_a_body_of_another_type(shared_shop: Shop) -> None:
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "application/jsonp",
    ):
        assert await shared_shop.order(b"{}", **{"content-type": kind}) == (415, "content-type-unsupported", None)
    good = orjson.dumps(shop.GOOD)
    for kind in ("application/json; charset=UTF-8", "Application/JSON"):
        headers = signed(shared_shop.identity.token()) | {"content-type": kind}
        assert (await shared_shop.client.post("/v1/orders", data=good, headers=headers)).status == 200


async def test_a_body_that_is_too_large(shared_shop: Shop) -> None:
    assert await shared_shop.order(b" " * (BODY_LIMIT + 1)) == (413, "body-too-large", None)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b" " * (BODY_LIMIT // 8)
            await asyncio.sleep(0)

    assert await shared_shop.order(pieces()) == (413, "body-too-large", None)
    within = orjson.dumps(shop.GOOD).ljust(BODY_LIMIT)
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
