"""A gateway for one test: its real api on a real database, an identity that signs, and a service to forward to.

Messages are folded by the real projector; tests of the whole way through Kafka are in test_live_platform.py.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aiohttp
import orjson
from pydantic import SecretStr

from deploy.local.fresh import FreshDatabase
from services.gateway import consumers, main
from services.gateway.config import GatewaySettings
from shared.contracts.catalogue import MESSAGES, PRODUCERS, TYPES
from shared.eventstore.codec import Codec
from shared.eventstore.database import Database
from shared.kernel.ids import new_id
from shared.messaging.batches import Run
from shared.messaging.checkpoint import Checkpoint
from shared.messaging.envelope import Received
from shared.messaging.projections import Projector
from shared.messaging.topics import partition_of, topic_name
from shared.testing.door import SERVICE_SECRET, free_port
from shared.web.tests.running import Identity, lived, served, signed, until

EPOCH = new_id()
CODEC = Codec(MESSAGES)
STORE_PERSON = """
INSERT INTO people (account_id, version, name, bio, details) VALUES ($1, 1, $2, $3, '{}')"""


class Service:
    """Raw ASGI: answers what it was asked, and some answers that are hard to forward."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gone = asyncio.Event()
        self.begun = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lived(receive, send)
            return
        self.asked.append(scope["path"])
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        how = scope["path"].rpartition("/")[2]
        if how == "stream":
            await self._stream(receive, send)
            return
        if how == "silence":
            await receive()  # until whoever asked hangs up
            self.gone.set()
            return
        told = {
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode(),
            "headers": {name.decode(): value.decode() for name, value in scope["headers"]},
            "body": body.decode(),
        }
        answer = b"x" * 1_000_000 if how == "large" else orjson.dumps(told)
        status = 204 if how == "nothing" else 201 if scope["method"] == "POST" else 200
        headers = [(b"content-type", b"application/json"), (b"x-told", b"yes"), (b"consistency-token", b"a:1:b:2")]
        if how == "close":
            headers.append((b"connection", b"close"))
        if how not in ("nothing", "chunks"):
            headers.append((b"content-length", str(len(answer)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if how == "chunks":
            for start in range(0, len(answer), 10):
                await send({"type": "http.response.body", "body": answer[start : start + 10], "more_body": True})
        body = b"" if how in ("nothing", "chunks") or scope["method"] == "HEAD" else answer
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"begun\n", "more_body": True})
        self.begun.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone.set()


class Gateway:
    """What a test holds."""

    def __init__(
        self, identity: Identity, service: Service, database: Database, client: aiohttp.ClientSession, port: int
    ) -> None:
        self.identity, self.service, self.database, self.client, self.port = identity, service, database, client, port
        self._projector = Projector(database, consumers.PROJECTIONS, MESSAGES, consumer=consumers.READ_MODELS)
        self._numbers: dict[tuple[str, int], int] = {}

    async def tell(self, messages: Iterable[tuple[str, object, datetime]]) -> str:
        """Fold (routing key, message, time), as the projector does; returns the token of the last one."""
        token = ""
        for key, message, at in messages:
            service = TYPES[type(message)].partition(".")[0]
            partition = partition_of(key)
            place = topic_name("sponsio", service), partition
            after = self._numbers.get(place, 0)
            number = self._numbers[place] = after + 1
            name, value = CODEC.encode(message)
            received = Received(
                *place, after, EPOCH, number, number, "00", new_id(), name, key, service, at, 1, "s-1", "tester",
                new_id(), value,
            )  # fmt: skip
            await self._projector.take([Run(*place, Checkpoint(EPOCH if after else "", after, after), (received,))])
            token = f"{service}:{partition}:{EPOCH}:{number}"
        return token

    async def name(self, account_id: str, name: str, bio: str = "") -> None:
        """Let a person be known."""
        await self.database.execute(STORE_PERSON, account_id, name, bio)

    def as_(self, account_id: str, role: str, **claims: Any) -> dict[str, str]:
        """Return the headers of somebody who is signed in."""
        return signed(self.identity.token(role, sub=account_id, **claims))

    async def get(self, path: str, headers: dict[str, str]) -> Any:
        """Read, and expect to be answered."""
        async with self.client.get(path, headers=headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()


@asynccontextmanager
async def opened(fresh: FreshDatabase, **settings: Any) -> AsyncIterator[Gateway]:
    """Run the gateway's role `api` until the block ends."""
    identity, service, stop = Identity(), Service(), asyncio.Event()
    database = await Database.open(fresh.url)
    async with served(identity.app()) as identity_url, served(service) as service_url:
        urls = {f"{name}_url": service_url for name in PRODUCERS} | {"identity_url": identity_url}
        told = GatewaySettings.model_construct(
            **{
                **{name: field.default for name, field in GatewaySettings.model_fields.items()},
                "database_url": SecretStr(fresh.url),
                "service_secret": SecretStr(SERVICE_SECRET),
                "http_port": free_port(),
                **urls,
                **settings,
            }
        )
        api = asyncio.create_task(main.run_api(told, stop))
        address = f"http://127.0.0.1:{told.need_port('http_port')}"
        try:
            async with aiohttp.ClientSession(address) as client:

                async def ready() -> bool:
                    try:
                        async with client.get("/v1/problems/x", headers=signed(identity.token())) as response:
                            return response.status == 404
                    except aiohttp.ClientError:
                        return False

                await until(ready, api)
                await until(lambda: _heard(client, identity), api)
                yield Gateway(identity, service, database, client, told.need_port("http_port"))
        finally:
            stop.set()
            await api
            await database.close()


async def _heard(client: aiohttp.ClientSession, identity: Identity) -> bool:
    async with client.get("/v1/dashboards/me", headers=signed(identity.token())) as response:
        return response.status == 200
