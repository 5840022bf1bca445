"""Keys that come and go, sessions that end, and an identity that is away."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest
from joserfc.jwk import ECKey

from shared.kernel.ids import new_id
from shared.web.app import create_app
from shared.web.authentication import Authenticator
from shared.web.identity import RemoteIdentity, read_keys
from shared.web.tests import shop
from shared.web.tests.conftest import Shop
from shared.web.tests.running import SERVICE_SECRET, Identity, free_port, served, until


async def test_a_new_key_is_fetched_and_an_unknown_one_asked_for_once_a_second(running_shop: Shop) -> None:
    identity = running_shop.identity
    assert (await running_shop.pay(identity.token()))[0] == 200
    identity.new_key("second")
    token = identity.token(kid="second")

    async def accepted() -> bool:
        return (await running_shop.pay(token))[0] == 200

    await until(accepted)
    stranger = Identity()
    stranger.new_key("unknown")
    asked = identity.asked_for_keys
    started = time.monotonic()
    answers = await asyncio.gather(*(running_shop.pay(stranger.token(kid="unknown")) for _ in range(50)))
    assert set(answers) == {(401, "token-invalid", None)}
    assert identity.asked_for_keys - asked <= 1 + int(time.monotonic() - started)


async def test_a_sign_out_is_felt(running_shop: Shop) -> None:
    session = new_id()
    token, other = running_shop.identity.token(sid=session), running_shop.identity.token()
    assert (await running_shop.pay(token))[0] == 200
    running_shop.identity.end(session)

    async def felt() -> bool:
        return await running_shop.pay(token) == (401, "session-ended", None)

    await until(felt)
    assert (await running_shop.pay(other))[0] == 200


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
        assert await running.pay(token) == (503, "authentication-unavailable", None)
        identity.end("gone")
        async with served(identity.app(), port):

            async def accepted() -> bool:
                return (await running.pay(token))[0] == 200

            await until(accepted)
            assert (await running.pay(ended))[1] == "session-ended"
        assert (await running.pay(token))[0] == 200
        assert (await running.pay(identity.token()))[0] == 200
        assert (await running.pay(ended))[1] == "session-ended"
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


def test_only_signature_keys_of_the_right_curve_are_read() -> None:
    good = ECKey.generate_key("P-256", {"kid": "good"}).as_dict(private=False)
    other = ECKey.generate_key("P-384", {"kid": "curve"}).as_dict(private=False)
    keys = read_keys({"keys": [good, other, {**good, "kid": "enc", "use": "enc"}, {"kty": "oct", "k": "AA"}, 7, {}]})
    assert list(keys) == ["good"]
    nothings: list[Any] = [[], {}, {"keys": 7}]
    for broken in nothings:
        with pytest.raises(ValueError):
            read_keys(broken)
