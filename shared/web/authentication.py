"""Who is asking: ES256 access tokens, verified with identity's published keys and remembered until they end."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode

from shared.kernel.ids import is_id
from shared.kernel.record import record
from shared.web.problems import Problem

ISSUER = "sponsio"
ALGORITHM = "ES256"
SKEW_SECONDS = 5
LONGEST_TOKEN = 4_096  # characters
REMEMBERED_TOKENS = 10_000


class IdentityAway(Exception):
    """Keys or revocations are not known yet: no token can be judged."""


class KeySource(Protocol):
    """Where verification keys come from; identity itself passes its own."""

    async def key(self, kid: str) -> ECKey | None:
        """Return the public key of that id, None for one that is not in use; raises IdentityAway."""
        ...


class RevocationSource(Protocol):
    """Which sessions have ended before their tokens did."""

    def known(self) -> bool:
        """Tell whether revocations have been heard of at all since this process began."""
        ...

    def revoked(self, session_id: str) -> bool:
        """Tell whether the session has ended."""
        ...


@record
class Caller:
    """A person with a valid access token."""

    account_id: str
    role: str  # sponsor, influencer or admin
    session_id: str
    expires_at: int  # seconds since 1970


@record
class _Verified:
    caller: Caller
    kid: str


class Authenticator:
    """Turns access tokens into callers; raises problems. One per process."""

    def __init__(
        self,
        keys: KeySource,
        revocations: RevocationSource,
        *,
        now: Callable[[], float] = time.time,
        remember: int = REMEMBERED_TOKENS,
        at_hand: Callable[[str], bool] = lambda kid: False,
    ) -> None:
        """`at_hand` tells whether a key is published still, as far as is known without asking: for `remembered`."""
        self._keys = keys
        self._revocations = revocations
        self._now = now
        self._remember = remember
        self._at_hand = at_hand
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()

    async def caller(self, authorization: str | None) -> Caller:
        """Return who sends this Authorization header; raises Problem (401, or 503 while identity is not known)."""
        token = bearer(authorization)
        if token is None:
            raise Problem("token-required", headers={"www-authenticate": "Bearer"})
        if len(token) > LONGEST_TOKEN:
            raise refused("token-invalid")
        try:
            return await self._judge(token)
        except IdentityAway:
            raise Problem("authentication-unavailable") from None

    def remembered(self, authorization: bytes) -> Caller | None:
        """Return who sends this header where all is known that `caller` would look at; None: ask `caller`."""
        if not authorization.startswith(b"Bearer "):
            return None
        digest = hashlib.sha256(authorization[7:]).digest()
        known = self._verified.get(digest)
        if known is None or not self._at_hand(known.kid):
            return None
        caller = known.caller
        if (
            caller.expires_at + SKEW_SECONDS <= self._now()
            or not self._revocations.known()
            or self._revocations.revoked(caller.session_id)
        ):
            return None
        self._verified.move_to_end(digest)
        return caller

    async def _judge(self, token: str) -> Caller:
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is None:
            known = await self._verify(token)
        elif await self._keys.key(known.kid) is None:
            del self._verified[digest]  # the key was withdrawn
            raise refused("token-invalid")
        caller = known.caller
        if caller.expires_at + SKEW_SECONDS <= self._now():
            self._verified.pop(digest, None)
            raise refused("token-expired")
        if not self._revocations.known():
            raise IdentityAway
        if self._revocations.revoked(caller.session_id):
            self._verified.pop(digest, None)
            raise refused("session-ended")
        self._verified[digest] = known
        self._verified.move_to_end(digest)
        if len(self._verified) > self._remember:
            self._verified.popitem(last=False)
        return caller

    async def _verify(self, token: str) -> _Verified:
        kid = _kid(token)
        key = await self._keys.key(kid)
        if key is None:
            raise refused("token-invalid")
        try:
            claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            raise refused("token-invalid") from None
        return _Verified(_caller(claims), kid)


def bearer(authorization: str | None) -> str | None:
    """Return the token of an Authorization header, None where it holds none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def refused(code: str) -> Problem:
    """Return a 401 for a token that was sent but does not do (RFC 6750)."""
    return Problem(code, headers={"www-authenticate": 'Bearer error="invalid_token"'})


def _kid(token: str) -> str:
    """Return the key id of a token's header, which is trusted in nothing else; the algorithm is ours to choose."""
    try:
        header: Any = orjson.loads(urlsafe_b64decode(token.split(".", 1)[0].encode()))
        kid = header["kid"]
        good = header["alg"] == ALGORITHM and isinstance(kid, str) and 0 < len(kid) <= 100 and "crit" not in header
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise refused("token-invalid")
    return str(kid)


def _caller(claims: dict[str, Any]) -> Caller:
    match claims:
        case {"iss": "sponsio", "sub": str(sub), "role": str(role), "sid": str(sid), "exp": int(exp)} if (
            is_id(sub) and role and sid and not isinstance(exp, bool)
        ):
            return Caller(sub, role, sid, exp)
    raise refused("token-invalid")
