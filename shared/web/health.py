"""Whether a process lives, whether it is ready, and its metrics: inside a service's app, or alone before a worker."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

#: Raises, or returns False, when what it looks at does not work.
Check = Callable[[], Awaitable[object]]

CHECK_SECONDS = 1.0
PATHS = ("/livez", "/readyz", "/metrics")


class Health:
    """An ASGI app of three addresses. `checks` are named, asked together, and bounded by CHECK_SECONDS each."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = dict(checks)

    async def failing(self) -> list[str]:
        """Return the names of the checks that do not pass now, in their order."""
        results = await asyncio.gather(*(self._passes(check) for check in self._checks.values()))
        return [name for name, passed in zip(self._checks, results, strict=True) if not passed]

    @staticmethod
    async def _passes(check: Check) -> bool:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return await check() is not False
        except Exception:  # whatever it is, it is not ready
            return False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, or take part in the server's start and stop."""
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        if scope["type"] != "http":
            return
        status, body, kind = await self._answer(scope["method"], scope["path"])
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, method: str, path: str) -> tuple[int, bytes, bytes]:
        if method not in ("GET", "HEAD") or path not in PATHS:
            return 404, b'{"status":404}', b"application/json"
        if path == "/metrics":
            return 200, generate_latest(), CONTENT_TYPE_LATEST.encode()
        failing = await self.failing() if path == "/readyz" else []
        told = {"status": "failing", "failing": failing} if failing else {"status": "ok"}
        return 503 if failing else 200, orjson.dumps(told), b"application/json"
