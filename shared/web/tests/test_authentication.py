"""Who gets in with which token."""

import base64
import hmac
import time
from typing import Any

import aiohttp
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from shared.web.app import create_app
from shared.web.tests import shop
from shared.web.tests.conftest import PAY, Shop
from shared.web.tests.running import SERVICE_SECRET, problem, served, signed


def part(value: object) -> str:
    return part_of(orjson.dumps(value))


def part_of(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


async def test_every_role_that_a_row_names_and_no_other(running_shop: Shop) -> None:
    identity, client = running_shop.identity, running_shop.client
    for role in ("sponsor", "influencer", "admin"):
        assert (await running_shop.pay(identity.token(role)))[0] == 200
    for role in ("influencer", "admin", "somebody"):
        response = await client.post("/v1/orders", json={}, headers=signed(identity.token(role)))
        assert await problem(response) == (403, "role-not-allowed", None)


async def test_without_a_token(running_shop: Shop) -> None:
    for given in ({}, {"authorization": "Basic YTpi"}, {"authorization": "Bearer "}, {"authorization": ""}):
        response = await running_shop.client.post(PAY, headers=given)
        assert await problem(response) == (401, "token-required", None)
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("missing", ["iss", "sub", "role", "sid", "exp"])
async def test_a_claim_that_is_missing(running_shop: Shop, missing: str) -> None:
    claims: dict[str, Any] = {missing: None}
    token = running_shop.identity.token(**claims)
    assert await running_shop.pay(token) == (401, "token-invalid", None)


@pytest.mark.parametrize(
    "claims",
    [{"iss": "other"}, {"sub": "x"}, {"sub": 7}, {"role": ""}, {"role": ["admin"]}, {"sid": 1}, {"exp": "9999999999"},
     {"exp": True}, {"exp": 9999999999.5}],
)  # fmt: skip
async def test_a_claim_that_is_wrong(running_shop: Shop, claims: dict[str, Any]) -> None:
    assert (await running_shop.pay(running_shop.identity.token(**claims)))[:2] == (401, "token-invalid")


async def test_expired_tokens_with_five_seconds_of_grace(running_shop: Shop) -> None:
    now = int(time.time())
    assert await running_shop.pay(running_shop.identity.token(exp=now - 10)) == (401, "token-expired", None)
    assert (await running_shop.pay(running_shop.identity.token(exp=now - 1)))[0] == 200
    response = await running_shop.client.post(PAY, headers=signed(running_shop.identity.token(exp=now - 10)))
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


async def test_forged_tokens(running_shop: Shop) -> None:
    identity = running_shop.identity
    good = identity.token()
    header, payload, signature = good.split(".")
    claims = orjson.loads(base64.urlsafe_b64decode(payload + "=="))
    stranger = ECKey.generate_key("P-256")
    public = identity.keys["first"].as_pem(private=False)
    confused = f"{part({'alg': 'HS256', 'kid': 'first'})}.{payload}"
    forged = [
        f"{part({'alg': 'none', 'kid': 'first'})}.{payload}.",
        f"{part({'alg': 'none'})}.{payload}.{signature}",
        f"{header}.{part(claims | {'role': 'admin'})}.{signature}",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        "x",
        "a.b.c",
        f"{part(['ES256'])}.{payload}.{signature}",
        f"{part({'alg': 'ES256', 'kid': 'first', 'crit': ['x'], 'x': 1})}.{payload}.{signature}",
        jwt.encode({"alg": "ES256", "kid": "first"}, claims, stranger, algorithms=["ES256"]),
        jwt.encode({"alg": "ES256", "kid": "other"}, claims, stranger, algorithms=["ES256"]),
        jwt.encode({"alg": "ES256"}, claims, identity.keys["first"], algorithms=["ES256"]),
        f"{confused}.{part_of(hmac.digest(public, confused.encode(), 'sha256'))}",
        jwt.encode(
            {"alg": "ES256", "kid": "first", "jwk": stranger.as_dict(private=False)},
            claims,
            stranger,
            algorithms=["ES256"],
        ),
        good + "x" * 5_000,
    ]
    for token in forged:
        assert await running_shop.pay(token) == (401, "token-invalid", None), token
    assert (await running_shop.pay(good))[0] == 200


async def test_internal_routes_want_the_service_secret(running_shop: Shop) -> None:
    client, path = running_shop.client, "/internal/stock"
    assert (await client.get(path, headers=signed(SERVICE_SECRET))).status == 200
    assert (await problem(await client.get(path)))[1] == "token-required"
    for wrong in ("x", SERVICE_SECRET + "x", "é", running_shop.identity.token("admin")):
        headers = {"authorization": f"Bearer {wrong}"}
        assert await problem(await client.get(path, headers=headers)) == (401, "token-invalid", None)
    closed = create_app("shop", shop.PERMISSIONS, [shop.router], authenticator=None)
    async with served(closed) as address, aiohttp.ClientSession(address) as other:
        assert (await other.get(path, headers={"authorization": "Bearer  "})).status == 401


async def test_commands_want_an_idempotency_key(running_shop: Shop) -> None:
    headers = signed(running_shop.identity.token())
    assert (await problem(await running_shop.client.post(PAY, headers=headers)))[1] == "idempotency-key-required"
    for bad in ("", "x" * 201, "a b", "é"):
        response = await running_shop.client.post(PAY, headers=headers | {"idempotency-key": bad})
        assert await problem(response) == (400, "idempotency-key-invalid", None)
