"""What only an operator does: make read models anew, compare them, try again what is parked, adopt an epoch."""

from collections.abc import Awaitable, Callable

from services.gateway import consumers
from services.gateway.config import GatewaySettings
from shared.contracts.catalogue import MESSAGES
from shared.eventstore.database import Database
from shared.messaging.beside import Beside
from shared.messaging.parking import request_replay
from shared.messaging.rebuild import Rebuilt, rebuild, verify_projection
from shared.roles.operate import adopted

Verb = Callable[..., Awaitable[str]]


async def rebuild_projections(settings: GatewaySettings, name: str = "") -> str:
    """Make a read model anew from the first message on, beside the living one, and swap it in."""
    done = await _each(settings, name, rebuild)
    return "\n".join(f"gateway: {one.projection} rebuilt: {one.rows} rows of {one.messages} messages" for one in done)


async def verify(settings: GatewaySettings, name: str = "") -> str:
    """Compare each read model, at equal checkpoints, with what its messages make of it, byte for byte."""
    done = await _each(settings, name, verify_projection)
    return "\n".join(f"gateway: {one.projection}: {one.rows} rows equal their rebuild" for one in done)


async def replay(settings: GatewaySettings) -> str:
    """Have the running projector try again what is parked."""
    database = await Database.open(settings.need("database_url"))
    try:
        for consumer in (consumers.READ_MODELS, consumers.PEOPLE):
            await request_replay(database, consumer)
        left = await database.fetchval("SELECT count(*) FROM parked")
    finally:
        await database.close()
    return f"asked the projector to try {left} parked messages again"


async def _each(settings: GatewaySettings, name: str, make: Callable[[Beside], Awaitable[Rebuilt]]) -> list[Rebuilt]:
    chosen = [each for each in consumers.PROJECTIONS if name in ("", each.NAME)]
    if not chosen:
        raise LookupError(f"{name} is none of {', '.join(each.NAME for each in consumers.PROJECTIONS)}")
    database = await Database.open(settings.need("migration_database_url"))
    topics = list(consumers.topics(settings.topic_prefix).values())
    try:
        return [
            await make(
                Beside(
                    database,
                    settings.need("kafka_bootstrap"),
                    topics,
                    projection,
                    MESSAGES,
                    living=consumers.READ_MODELS,
                    suffix=make.__name__,
                )
            )
            for projection in chosen
        ]
    finally:
        await database.close()


async def adopt(settings: GatewaySettings, *arguments: str) -> str:
    """Go on with the epoch of a restored service: SERVICE EPOCH NUMBERS, as its `restored` has said."""
    database = await Database.open(settings.need("database_url"))
    try:
        said = await adopted("gateway", database, settings.topic_prefix, arguments)
    finally:
        await database.close()
    return f"{said}\nthe read models show what is lost until they are made anew: rebuild"


VERBS: dict[str, Verb] = {"rebuild": rebuild_projections, "verify": verify, "replay": replay, "adopt": adopt}
