"""Access tokens, ES256, and the keys that sign them: made once, kept encrypted, rotated by an operator.

The newest key that is not retired signs. A retired key stays in the JWKS for an hour, longer than any token that it
signed. Verifiers fetch the JWKS anew when they meet a kid that they do not know.
"""

import asyncio
import time
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from shared.eventstore.database import Database
from shared.kernel.ids import new_id
from shared.web.identity import read_keys

ISSUER = "sponsio"
ACCESS_SECONDS = 600
RELOAD_SECONDS = 30.0
ASK_AGAIN_SECONDS = 1.0  # for a kid that nobody knows

CURRENT = (
    "SELECT kid, private_pem FROM signing_keys WHERE retired_at IS NULL ORDER BY created_at DESC, kid DESC LIMIT 1"
)
PUBLIC = """
SELECT public_jwk::text FROM signing_keys
 WHERE retired_at IS NULL OR retired_at > now() - interval '1 hour' ORDER BY created_at DESC, kid DESC"""
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('signing_keys'))"
INSERT = "INSERT INTO signing_keys (kid, private_pem, public_jwk) VALUES ($1, $2, $3::jsonb)"
RETIRE_OTHERS = "UPDATE signing_keys SET retired_at = now() WHERE retired_at IS NULL AND kid <> $1"


class SigningKeys:
    """The keys as one api process knows them."""

    def __init__(self, database: Database, secret: str) -> None:
        self._database = database
        self._secret = secret.encode()
        self._key: ECKey | None = None
        self._loaded_at = 0.0
        self._public: dict[str, ECKey] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def access_token(self, account_id: str, role: str, sid: str) -> str:
        """Return a token that says who, in which role, for ACCESS_SECONDS from now."""
        key = await self._current()
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": account_id, "role": role, "sid": sid, "iat": now, "exp": now + ACCESS_SECONDS}
        return jwt.encode({"alg": "ES256", "kid": key.kid, "typ": "JWT"}, claims, key)

    async def jwks(self) -> dict[str, Any]:
        """Return the public keys that living tokens may be signed with (RFC 7517)."""
        await self._current()
        rows = await self._database.fetch(PUBLIC)
        return {"keys": [orjson.loads(row["public_jwk"]) for row in rows]}

    async def key(self, kid: str) -> ECKey | None:
        """Return a public key (KeySource of this service's own verifier)."""
        async with self._reading:  # whoever comes meanwhile waits for the answer
            age = time.monotonic() - self._read_at
            if age > RELOAD_SECONDS or (kid not in self._public and age > ASK_AGAIN_SECONDS):
                self._public = read_keys(await self.jwks())
                self._read_at = time.monotonic()
        return self._public.get(kid)

    async def rotate(self) -> str:
        """Make a new key and retire all others; returns its kid. Every api process signs with it within 30 s."""
        self._key = None
        return await self._make(only_if_none=False)

    async def _current(self) -> ECKey:
        if self._key is not None and time.monotonic() - self._loaded_at < RELOAD_SECONDS:
            return self._key
        row = await self._database.fetchrow(CURRENT)
        if row is None:
            await self._make(only_if_none=True)
            row = await self._database.fetchrow(CURRENT)
        assert row is not None
        key = ECKey.import_key(row["private_pem"], {"kid": row["kid"]}, password=self._secret)
        self._key, self._loaded_at = key, time.monotonic()
        return key

    async def _make(self, *, only_if_none: bool) -> str:
        kid = new_id()
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(self._secret))
        public = {**ECKey.import_key(pem, password=self._secret).as_dict(private=False), "kid": kid, "alg": "ES256"}
        async with self._database.pool.acquire() as connection, connection.transaction():
            await connection.execute(ONE_AT_A_TIME)
            if only_if_none and await connection.fetchrow(CURRENT) is not None:
                return kid  # another process was first
            await connection.execute(INSERT, kid, pem, orjson.dumps({**public, "use": "sig"}).decode())
            await connection.execute(RETIRE_OTHERS, kid)
        return kid
