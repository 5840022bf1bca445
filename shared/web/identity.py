"""What other services know of identity, asked over one keep-alive session: its keys and the sessions that ended."""

import asyncio
import time
from contextlib import suppress
from typing import Any, Self

import aiohttp
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from shared.web.authentication import IdentityAway
from shared.web.revocations import Revocations

log = structlog.get_logger()

JWKS_PATH = "/.well-known/jwks.json"
AGAIN_AFTER_SECONDS = 1.0  # at most one question for keys in this time
STALE_AFTER_SECONDS = 60.0  # then keys are asked for again, so that a withdrawn one goes
TIMEOUT = aiohttp.ClientTimeout(total=2)


class RemoteKeys:
    """Identity's keys: fetched when first needed, again for an unknown key id, and beside the requests when stale."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._keys: dict[str, ECKey] = {}
        self._fetched_at: float | None = None
        self._asked_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> ECKey | None:
        """Return the key, None for one that identity does not publish; raises IdentityAway before the first answer."""
        if (key := self._keys.get(kid)) is not None:
            if time.monotonic() - (self._fetched_at or 0) > STALE_AFTER_SECONDS:
                self._fetch()
            return key
        fetching = self._fetch()
        if fetching is not None:
            await asyncio.shield(fetching)
        if self._fetched_at is None:
            raise IdentityAway
        return self._keys.get(kid)

    def at_hand(self, kid: str) -> bool:
        """Tell whether `key` would return a key without waiting."""
        if kid not in self._keys:
            return False
        if time.monotonic() - (self._fetched_at or 0) > STALE_AFTER_SECONDS:
            self._fetch()
        return True

    def _fetch(self) -> "asyncio.Task[None] | None":
        """Begin to ask, or join who asks already; None where it was asked a moment ago."""
        if self._fetching is not None:
            return self._fetching
        if time.monotonic() - self._asked_at < AGAIN_AFTER_SECONDS:
            return None
        self._asked_at = time.monotonic()
        self._fetching = asyncio.create_task(self._ask(), name="jwks")
        return self._fetching

    async def _ask(self) -> None:
        try:
            async with self._session.get(JWKS_PATH) as response:
                response.raise_for_status()
                self._keys = read_keys(await response.json(content_type=None))
                self._fetched_at = time.monotonic()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as problem:
            log.warning("keys_not_fetched", error=type(problem).__name__)
        finally:
            self._fetching = None

    async def close(self) -> None:
        """Stop asking."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)


def read_keys(jwks: Any) -> dict[str, ECKey]:
    """Return the P-256 signature keys of a JWKS by their id; others are left out. Raises ValueError for no JWKS."""
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        raise ValueError("not a JWKS")
    keys: dict[str, ECKey] = {}
    for entry in jwks["keys"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
            continue
        if entry.get("kty") == "EC" and entry.get("crv") == "P-256" and entry.get("use", "sig") == "sig":
            with suppress(JoseError, ValueError, KeyError):
                keys[entry["kid"]] = ECKey.import_key({k: entry[k] for k in ("kty", "crv", "x", "y", "kid")})
    return keys


class RemoteIdentity:
    """Keys and revocations of one process, over one session; an async context manager that polls while it is open."""

    def __init__(self, url: str, service_secret: str) -> None:
        self._url = url
        self._secret = service_secret
        self._session: aiohttp.ClientSession | None = None
        self._keys: RemoteKeys | None = None
        self.revocations = Revocations()
        self._polling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            self._url, timeout=TIMEOUT, connector=aiohttp.TCPConnector(limit=2, keepalive_timeout=60)
        )
        self._keys = RemoteKeys(self._session)
        self._polling = asyncio.create_task(self.revocations.poll(self._session, self._secret), name="revocations")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        assert self._keys is not None
        assert self._polling is not None
        self._polling.cancel()
        await asyncio.gather(self._polling, return_exceptions=True)
        await self._keys.close()
        await self._session.close()

    async def key(self, kid: str) -> ECKey | None:
        """Return a key of identity (KeySource)."""
        if self._keys is None:
            raise IdentityAway
        return await self._keys.key(kid)

    def at_hand(self, kid: str) -> bool:
        """Tell whether `key` would return a key without waiting."""
        return self._keys is not None and self._keys.at_hand(kid)
