"""Access tokens, good and bad: signed with the platform's own key, with another, or with none at all."""

import base64
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey

from services.identity.signing import CURRENT, ISSUER
from shared.kernel.ids import new_id
from tests.conftest import Platform

#: Longer than these tests last on a slow machine; identity's own last ten minutes.
LIFE_SECONDS = 7_200


@dataclass
class Mint:
    """Signs what it is asked to, with identity's key."""

    key: ECKey

    def token(self, account_id: str, role: str, *, key: ECKey | None = None, **claims: Any) -> str:
        """Return a token that is good, but for what is given."""
        now = int(time.time())
        told = {"iss": ISSUER, "sub": account_id, "role": role, "sid": new_id(), "iat": now, "exp": now + LIFE_SECONDS}
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, told | claims, key or self.key)


async def mint_of(platform: Platform) -> Mint:
    """Return a mint with the key that identity signs with at this moment."""
    connection = await platform.connect("identity")
    try:
        row = await connection.fetchrow(CURRENT)
    finally:
        await connection.close()
    assert row is not None
    secret = platform.state.settings["identity"]["SIGNING_SECRET"].encode()
    return Mint(ECKey.import_key(row["private_pem"], {"kid": row["kid"]}, password=secret))


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


def _claims_altered(mint: Mint, account_id: str, role: str) -> str:
    mine, other = mint.token(account_id, "influencer"), mint.token(account_id, role, sid=new_id())
    return ".".join([mine.split(".")[0], other.split(".")[1], mine.split(".")[2]])


def _signature_altered(mint: Mint, account_id: str, role: str) -> str:
    head, claims, signature = mint.token(account_id, role).split(".")
    return f"{head}.{claims}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


def _without_algorithm(mint: Mint, account_id: str, role: str) -> str:
    claims = mint.token(account_id, role).split(".")[1]
    return f"{_part({'alg': 'none', 'kid': mint.key.kid})}.{claims}."


def _signed_with_the_public_key(mint: Mint, account_id: str, role: str) -> str:
    claims = mint.token(account_id, role).split(".")[1]
    signed = f"{_part({'alg': 'HS256', 'kid': mint.key.kid})}.{claims}"
    digest = hmac.digest(mint.key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def _of_an_unknown_key(mint: Mint, account_id: str, role: str) -> str:
    return Mint(ECKey.generate_key("P-256", {"kid": new_id()})).token(account_id, role)


#: What is sent instead of a good token -> the documented code. Each makes a whole Authorization header.
BAD: dict[str, tuple[Callable[[Mint, str, str], str], str]] = {
    "no token": (lambda mint, id, role: "", "token-required"),
    "another scheme": (lambda mint, id, role: "Basic YTpi", "token-required"),
    "no token at all": (lambda mint, id, role: "Bearer nonsense", "token-invalid"),
    "a token too long": (lambda mint, id, role: "Bearer " + "a" * 5_000, "token-invalid"),
    "expired": (lambda mint, id, role: f"Bearer {mint.token(id, role, exp=int(time.time()) - 60)}", "token-expired"),
    "the signature altered": (lambda mint, id, role: f"Bearer {_signature_altered(mint, id, role)}", "token-invalid"),
    "the claims altered": (lambda mint, id, role: f"Bearer {_claims_altered(mint, id, role)}", "token-invalid"),
    "alg none": (lambda mint, id, role: f"Bearer {_without_algorithm(mint, id, role)}", "token-invalid"),
    "the public key as a secret": (
        lambda mint, id, role: f"Bearer {_signed_with_the_public_key(mint, id, role)}",
        "token-invalid",
    ),
    "another key under our key's id": (
        lambda mint, id, role: f"Bearer {mint.token(id, role, key=ECKey.generate_key('P-256'))}",
        "token-invalid",
    ),
    "a key that nobody knows": (lambda mint, id, role: f"Bearer {_of_an_unknown_key(mint, id, role)}", "token-invalid"),
    "another issuer": (lambda mint, id, role: f"Bearer {mint.token(id, role, iss='somebody')}", "token-invalid"),
    "no end": (lambda mint, id, role: f"Bearer {mint.token(id, role, exp=None)}", "token-invalid"),
}
