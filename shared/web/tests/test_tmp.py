import time, traceback
import pytest
import shared.web.authentication as A
from shared.web.tests.conftest import Shop
from shared.web.tests.test_authentication import pay

@pytest.mark.parametrize("n", range(60))
async def test_x(running_shop: Shop, n, monkeypatch) -> None:
    real = A.refused
    def refused(code):
        traceback.print_stack(limit=3); import sys; traceback.print_exception(sys.exc_info()[1])
        return real(code)
    monkeypatch.setattr(A, "refused", refused)
    seen = []
    orig = A.Authenticator._verify
    async def v(self, token):
        seen.append(token)
        try:
            return await orig(self, token)
        except Exception:
            key = self._keys._keys._keys["first"]
            from joserfc import jwt
            for _ in range(4):
                try:
                    jwt.decode(token, key, algorithms=["ES256"]); print("inside good")
                except Exception as e: print("inside", repr(e))
            raise
    monkeypatch.setattr(A.Authenticator, "_verify", v)
    for _ in range(10):
        now = int(time.time())
        t=running_shop.identity.token(exp=now - 10)
        assert await pay(running_shop, t) == (401, "token-expired", None), t
        t=running_shop.identity.token(exp=now - 1)
        r = await pay(running_shop, t)
        if r[0] != 200:
            import json; json.dump([t, running_shop.identity.keys["first"].as_dict(private=True), running_shop.remote._keys._keys["first"].as_dict(private=False)], open("/tmp/bad.json","w"))
            from joserfc import jwt
            for name, key in (("remote", running_shop.remote._keys._keys["first"]), ("own", running_shop.identity.keys["first"])):
                for _ in range(6):
                    try:
                        jwt.decode(t, key, algorithms=["ES256"]); print(name, id(key), "good")
                    except Exception as e: print(name, id(key), repr(e))
            print("same", seen[-1]==t); print(seen[-1]); print(t)
            assert 0, r

import joserfc.jws as J
def test_dummy(): pass
