"""What the tests of this room share: an app on a free port, and a tiny identity that signs tokens."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import orjson
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import ECKey

from shared.kernel.ids import new_id
from shared.web.app import create_app
from shared.web.permissions import INTERNAL, PUBLIC, Permission
from shared.web.serve import serve

SERVICE_SECRET = "service-secret-of-the-tests"
PATIENCE_SECONDS = 30


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def served(app: Any, port: int | None = None) -> AsyncIterator[str]:
    """Serve an app for real; gives its address."""
    port = port or free_port()
    stop = asyncio.Event()
    task = asyncio.create_task(serve(app, "127.0.0.1", port, stop=stop, grace_seconds=1))
    try:
        await until(lambda: _open(port), task)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        await task


async def lived(receive: Any, send: Any) -> None:
    """Answer the lifespan of a raw ASGI app that has nothing to begin or to end."""
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": f"{message['type']}.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _open(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False


async def until(condition: Any, *tasks: "asyncio.Task[None]", seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until an async condition holds; fails when it does not in time, or when one of the tasks ends before."""
    async with asyncio.timeout(seconds):
        while not await condition():
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.02)


class Identity:
    """As much of identity as verifying needs: it publishes keys, signs tokens and ends sessions."""

    def __init__(self) -> None:
        self.keys: dict[str, ECKey] = {}
        self.revocations: list[dict[str, Any]] = []
        self.asked_for_keys = 0
        self.new_key("first")

    def new_key(self, kid: str) -> None:
        """Publish one more key."""
        self.keys[kid] = ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})

    def token(self, role: str = "sponsor", *, kid: str = "first", **claims: Any) -> str:
        """Sign a token; claims given as None are left out."""
        now = int(time.time())
        payload = {"iss": "sponsio", "sub": new_id(), "role": role, "sid": new_id(), "iat": now, "exp": now + 600}
        payload = {name: value for name, value in (payload | claims).items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": kid}, payload, self.keys[kid], algorithms=["ES256"])

    def end(self, session_id: str) -> None:
        """End a session before its tokens."""
        seq = len(self.revocations) + 1
        self.revocations.append({"seq": seq, "sid": session_id, "exp": int(time.time()) + 600})

    def app(self) -> Any:
        """Return its app."""
        router = APIRouter()

        @router.get("/.well-known/jwks.json")
        async def jwks() -> JSONResponse:
            self.asked_for_keys += 1
            return JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys.values()]})

        @router.get("/internal/revocations")
        async def revocations(request: Request, after: int, wait: int = 0) -> JSONResponse:
            found = [one for one in self.revocations if one["seq"] > after]
            return JSONResponse({"revocations": found, "last": len(self.revocations)})

        rows = [
            Permission("GET", "/.well-known/jwks.json", PUBLIC),
            Permission("GET", "/internal/revocations", INTERNAL),
        ]
        return create_app("identity", rows, [router], authenticator=None, service_secret=SERVICE_SECRET)


def signed(token: str) -> dict[str, str]:
    """Return the headers of somebody with this token."""
    return {"authorization": f"Bearer {token}"}


async def problem(response: aiohttp.ClientResponse) -> tuple[int, str, str | None]:
    """Return status, code and field of a problem, having checked what all problems have."""
    assert response.content_type == "application/problem+json", await response.text()
    told = orjson.loads(await response.read())
    assert told["status"] == response.status
    assert told["instance"] == response.headers["x-correlation-id"]
    assert told["title"]
    assert told["detail"]
    return response.status, told["type"].removeprefix("https://sponsio.dev/problems/"), told.get("field")
