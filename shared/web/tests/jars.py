"""An app of commands over a real store: sweets in jars."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from fastapi import APIRouter, Request
from starlette.responses import Response

from shared.eventstore.append import Appender
from shared.eventstore.codec import Codec
from shared.eventstore.database import Database
from shared.eventstore.execute import Store
from shared.eventstore.handlers import Handlers, on
from shared.eventstore.tests import jar
from shared.eventstore.work import Work
from shared.kernel.ids import new_id
from shared.kernel.record import record
from shared.web.app import create_app
from shared.web.authentication import Authenticator
from shared.web.commands import Commands, Reached, command, no_wait, refuse
from shared.web.permissions import PUBLIC, SIGNED_IN, Permission
from shared.web.tests.running import Identity, served, signed
from shared.web.values import AmountMinor, Body, Id


@record
class Mix:
    one: str
    other: str


async def mix(work: Work, asked: Mix) -> dict[str, str]:
    await work.decide(jar, asked.one, jar.Take(asked.one, 1))
    await work.decide(jar, asked.other, jar.Fill(asked.other, 1))
    return {"id": asked.other}


HANDLERS: Handlers = {jar.Fill: on(jar, "jar_id"), jar.Take: on(jar, "jar_id"), Mix: mix}


class Sweets(Body):
    sweets: AmountMinor


router = APIRouter()


@router.post("/v1/jars")
async def create(request: Request, body: Sweets) -> Response:
    return await command(request, jar.Fill(new_id(), body.sweets), status=201, actor="system:tests")


@router.post("/v1/jars/{jar_id}/take")
async def take(request: Request, jar_id: Id, body: Sweets) -> Response:
    return await command(request, jar.Take(jar_id, body.sweets), reason="hunger", on_behalf_of="aunt")


@router.post("/v1/jars/{jar_id}/take-one")
async def take_one(request: Request, jar_id: Id) -> Response:
    return await command(request, jar.Take(jar_id, 1))


@router.post("/v1/jars/{jar_id}/mix")
async def mix_jars(request: Request, jar_id: Id) -> Response:
    return await command(request, Mix(jar_id, new_id()))


@router.post("/v1/unguarded")
async def unguarded(request: Request) -> Response:
    return await command(request, jar.Fill(new_id(), 1))


ROWS = [
    Permission("POST", "/v1/jars", PUBLIC, idempotent=True),
    *(
        Permission("POST", f"/v1/jars/{{jar_id}}/{verb}", SIGNED_IN, idempotent=True)
        for verb in ("take", "take-one", "mix")
    ),
    Permission("POST", "/v1/unguarded", PUBLIC),
]


class Known:
    """An in-process identity, as identity's own api has it."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def key(self, kid: str) -> object:
        return self._identity.keys.get(kid)

    def known(self) -> bool:
        return True

    def revoked(self, session_id: str) -> bool:
        return False


@record
class Jars:
    """A served app over a store, its database, and two people."""

    client: aiohttp.ClientSession
    database: Database
    me: dict[str, str]
    other: dict[str, str]

    async def post(
        self, path: str, body: object = None, *, by: dict[str, str] | None = None, **headers: str
    ) -> aiohttp.ClientResponse:
        """Send a command by me with a fresh key, unless told otherwise."""
        given = {"Idempotency-Key": new_id()} | (self.me if by is None else by)
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, json=body, headers=given)

    async def new(self, sweets: int = 3) -> str:
        """Fill a new jar and return its id."""
        response = await self.post("/v1/jars", {"sweets": sweets})
        assert response.status == 201, await response.text()
        jar_id: str = (await response.json())["id"]
        return jar_id

    async def events(self) -> int:
        """Return how many events are stored."""
        count: int = await self.database.fetchval("SELECT count(*) FROM events")
        return count


@asynccontextmanager
async def opened(url: str, reached: Reached = no_wait) -> AsyncIterator[Jars]:
    """Serve the jars of one database."""
    identity = Identity()
    known = Known(identity)
    database = await Database.open(url)
    appender = Appender(database, "jars")
    codec = Codec(jar.EVENTS)
    store = Store(database, appender, codec, codec, jar.publish, refuse)
    await appender.start()
    app = create_app(
        "jars",
        ROWS,
        [router],
        authenticator=Authenticator(known, known),  # type: ignore[arg-type]
        state={"commands": Commands(store, HANDLERS, "digest-secret", reached)},
    )
    async with served(app) as address, aiohttp.ClientSession(address) as client:
        yield Jars(client, database, signed(identity.token()), signed(identity.token()))
    await appender.stop()
    await database.close()
