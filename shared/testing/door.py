"""A service's HTTP door on a database of the test, served for real in this process, and a client that knocks."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import orjson
from pydantic import SecretStr

from shared.kernel.ids import new_id
from shared.kernel.record import record
from shared.roles.api import run_api
from shared.roles.definition import Definition
from shared.web.settings import Settings

PATIENCE_SECONDS = 60
SERVICE_SECRET = "service-secret-of-the-tests"


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def settings_of(database_url: str, **more: Any) -> Settings:
    """Return the settings of one service, with secrets of this test."""
    secret = {name: SecretStr(secrets.token_hex(16)) for name in ("digest_secret", "signing_secret")}
    return Settings.model_construct(
        **{
            **{name: field.default for name, field in Settings.model_fields.items()},
            "database_url": SecretStr(database_url),
            "service_secret": SecretStr(SERVICE_SECRET),
            "http_port": free_port(),
            **secret,
            **more,
        }
    )


@record
class Told:
    """An answer: status, headers (lower case) and what the JSON says; `code` is that of a problem."""

    status: int
    headers: dict[str, str]
    json: Any

    @property
    def code(self) -> str:
        """The problem's code, or nothing."""
        return str(self.json["type"]).rpartition("/")[2] if self.status >= 400 else ""

    @property
    def refusal(self) -> tuple[int, str, str | None]:
        """Status, code and field: what a refusal is compared by."""
        return self.status, self.code, self.json.get("field")


class Client:
    """Asks a service; every command has an Idempotency-Key of its own unless one is given."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = None, **headers: str
    ) -> Told:
        """Send one request; a header's name is written with underscores."""
        sent = {"idempotency-key": new_id()} | {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        data = orjson.dumps(body) if body is not None else None
        if data is not None:
            sent["content-type"] = "application/json"
        async with self._session.request(method, path, data=data, headers=sent) as response:
            raw = await response.read()
            told = {name.lower(): value for name, value in response.headers.items()}
            return Told(response.status, told, orjson.loads(raw) if raw else None)


@asynccontextmanager
async def served_api(definition: Definition, settings: Settings) -> AsyncIterator[Client]:
    """Run the service's role `api` until the block ends."""
    stop = asyncio.Event()
    api = asyncio.create_task(run_api(definition, settings, stop))
    address = f"http://127.0.0.1:{settings.need_port('http_port')}"
    try:
        async with aiohttp.ClientSession(address) as session:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await _ready(session):
                    if api.done():
                        api.result()
                    await asyncio.sleep(0.02)
            yield Client(session)
    finally:
        stop.set()
        await api


async def _ready(session: aiohttp.ClientSession) -> bool:
    with suppress(aiohttp.ClientError):
        async with session.get("/readyz") as response:
            return response.status == 200
    return False
