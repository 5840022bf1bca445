"""What can be asked through the gateway: its own description and those of the services, as one."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import orjson
import structlog

from services.gateway.upstream import Upstream, UpstreamAway, UpstreamBroken, UpstreamFull

log = structlog.get_logger()

KEPT_SECONDS = 60.0
AGAIN_SECONDS = 2.0  # while one of them has told nothing yet
REQUEST = b"GET /openapi.json HTTP/1.1\r\nhost: %b\r\naccept: application/json\r\n\r\n"


class Description:
    """Asks the services for /openapi.json when somebody wants to know; what one told last is kept while it is away."""

    def __init__(self, upstreams: Mapping[str, Upstream]) -> None:
        self._upstreams = dict(upstreams)
        self._told: dict[str, dict[str, Any]] = {}
        self._asked_at = float("-inf")
        self._turn = asyncio.Lock()

    async def openapi(self, own: dict[str, Any]) -> dict[str, Any]:
        """Return one document; names of schemas begin with those of their services."""
        paths: dict[str, dict[str, Any]] = {}
        schemas: dict[str, Any] = {}
        for service, document in {**await self._documents(), "": own}.items():
            for path, operations in document.get("paths", {}).items():
                if path.startswith(("/v1/", "/.well-known/")):
                    paths.setdefault(path, {}).update(operations)
            begin = f"{service}." if service else ""
            schemas |= {begin + name: s for name, s in document.get("components", {}).get("schemas", {}).items()}
        components = {**own.get("components", {}), "schemas": schemas}
        info = {"title": "Sponsio", "version": own["info"]["version"]}
        return {"openapi": own["openapi"], "info": info, "paths": dict(sorted(paths.items())), "components": components}

    async def problems(self) -> dict[str, Any]:
        """Return code -> {status, title} of all services that tell theirs (`x-problems`)."""
        documents = await self._documents()
        return {code: told for each in documents.values() for code, told in each.get("x-problems", {}).items()}

    async def _documents(self) -> dict[str, dict[str, Any]]:
        async with self._turn:
            kept = KEPT_SECONDS if len(self._told) == len(self._upstreams) else AGAIN_SECONDS
            if time.monotonic() - self._asked_at > kept:
                self._asked_at = time.monotonic()
                await asyncio.gather(*(self._ask(service) for service in self._upstreams))
        return self._told

    async def _ask(self, service: str) -> None:
        upstream = self._upstreams[service]
        try:
            connection = await upstream.ask(REQUEST % upstream.authority, repeatable=True)
            try:
                pieces = [connection.take()]
                while not connection.finished:
                    await connection.more()
                    pieces.append(connection.take())
            finally:
                upstream.release(connection)
            text = b"".join(pieces).replace(b'"#/components/schemas/', f'"#/components/schemas/{service}.'.encode())
            self._told[service] = orjson.loads(text)
        except (UpstreamAway, UpstreamBroken, UpstreamFull, ValueError) as problem:
            log.warning("description_not_told", of=service, error=type(problem).__name__)
