"""Who gets in with which token, against an identity that is served for real."""

import asyncio
import base64
import hmac
import time

import aiohttp
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from shared.kernel.ids import new_id
from shared.web.app import create_app
from shared.web.authentication import Authenticator
from shared.web.identity import RemoteIdentity, read_keys
from shared.web.tests import shop
from shared.web.tests.conftest import Shop
from shared.web.tests.running import SERVICE_SECRET, Identity, free_port, problem, served, signed, until

PAY = f"/v1/orders/{new_id()}/pay"


async def pay(shop: Shop, token: str) -> tuple[int, str, str | None]:
    response = await shop.client.post(PAY, headers=signed(token) | {"idempotency-key": "k"})
    return (200, "", None) if response.status == 200 else await problem(response)


def part(value: object) -> str:
    return part_of(orjson.dumps(value))


def part_of(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


async def test_every_role_that_a_row_names_and_no_other(running_shop: Shop) -> None:
    identity, client = running_shop.identity, running_shop.client
    for role in ("sponsor", "influencer", "admin"):
        assert (await pay(running_shop, identity.token(role)))[0] == 200
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
    token = running_shop.identity.token(**{missing: None})
    assert await pay(running_shop, token) == (401, "token-invalid", None)


@pytest.mark.parametrize(
    "claims",
    [{"iss": "other"}, {"sub": "x"}, {"sub": 7}, {"role": ""}, {"role": ["admin"]}, {"sid": 1}, {"exp": "9999999999"},
     {"exp": True}, {"exp": 9999999999.5}],
)  # fmt: skip
async def test_a_claim_that_is_wrong(running_shop: Shop, claims: dict[str, object]) -> None:
    assert (await pay(running_shop, running_shop.identity.token(**claims)))[:2] == (401, "token-invalid")


async def test_expired_tokens_with_five_seconds_of_grace(running_shop: Shop) -> None:
    now = int(time.time())
    assert await pay(running_shop, running_shop.identity.token(exp=now - 10)) == (401, "token-expired", None)
    assert (await pay(running_shop, running_shop.identity.token(exp=now - 1)))[0] == 200
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
        assert await pay(running_shop, token) == (401, "token-invalid", None), token
    assert (await pay(running_shop, good))[0] == 200


async def test_a_new_key_is_fetched_and_an_unknown_one_asked_for_once_a_second(running_shop: Shop) -> None:
    identity = running_shop.identity
    assert (await pay(running_shop, identity.token()))[0] == 200
    identity.new_key("second")
    token = identity.token(kid="second")

    async def accepted() -> bool:
        return (await pay(running_shop, token))[0] == 200

    await until(accepted)
    stranger = Identity()
    stranger.new_key("unknown")
    asked = identity.asked_for_keys
    started = time.monotonic()
    answers = await asyncio.gather(*(pay(running_shop, stranger.token(kid="unknown")) for _ in range(50)))
    assert set(answers) == {(401, "token-invalid", None)}
    assert identity.asked_for_keys - asked <= 1 + int(time.monotonic() - started)


async def test_a_sign_out_is_felt(running_shop: Shop) -> None:
    session = new_id()
    token, other = running_shop.identity.token(sid=session), running_shop.identity.token()
    assert (await pay(running_shop, token))[0] == 200
    running_shop.identity.end(session)

    async def felt() -> bool:
        return await pay(running_shop, token) == (401, "session-ended", None)

    await until(felt)
    assert (await pay(running_shop, other))[0] == 200


async def test_identity_away_keeps_what_is_known() -> None:
    identity, port = Identity(), free_port()
    remote = RemoteIdentity(f"http://127.0.0.1:{port}", SERVICE_SECRET)
    authenticator = Authenticator(remote, remote.revocations)
    app = create_app("shop", shop.PERMISSIONS, [shop.router], authenticator=authenticator, contexts=[remote])
    ended = identity.token(sid="gone")
    token = identity.token()

    async with served(app) as address, aiohttp.ClientSession(address) as client:
        running = Shop(identity, client, remote)
        # Nothing is known yet: no token can be judged, and that is not the caller's fault.
        assert await pay(running, token) == (503, "authentication-unavailable", None)
        identity.end("gone")
        async with served(identity.app(), port):

            async def accepted() -> bool:
                return (await pay(running, token))[0] == 200

            await until(accepted)
            assert (await pay(running, ended))[1] == "session-ended"
        assert (await pay(running, token))[0] == 200
        assert (await pay(running, identity.token()))[0] == 200
        assert (await pay(running, ended))[1] == "session-ended"
        assert "sponsio_revocations_age_seconds" in await (await client.get("/metrics")).text()


async def test_a_withdrawn_key_ends_remembered_tokens_too() -> None:
    identity = Identity()

    class Keys:
        async def key(self, kid: str) -> ECKey | None:
            return identity.keys.get(kid)

    class NoneEnded:
        def known(self) -> bool:
            return True

        def revoked(self, session_id: str) -> bool:
            return False

    authenticator = Authenticator(Keys(), NoneEnded(), remember=2)
    tokens = [f"Bearer {identity.token()}" for _ in range(5)]
    callers = [await authenticator.caller(token) for token in tokens]
    assert len(authenticator._verified) == 2
    assert await authenticator.caller(tokens[0]) == callers[0]
    identity.keys.clear()
    for token in tokens:
        with pytest.raises(Exception, match="token-invalid"):
            await authenticator.caller(token)


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


def test_only_signature_keys_of_the_right_curve_are_read() -> None:
    good = ECKey.generate_key("P-256", {"kid": "good"}).as_dict(private=False)
    other = ECKey.generate_key("P-384", {"kid": "curve"}).as_dict(private=False)
    keys = read_keys({"keys": [good, other, {**good, "kid": "enc", "use": "enc"}, {"kty": "oct", "k": "AA"}, 7, {}]})
    assert list(keys) == ["good"]
    for broken in ([], {}, {"keys": 7}):
        with pytest.raises(ValueError):
            read_keys(broken)
