"""gateway: `python -m services.gateway.main <role>`."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.middleware import Middleware

from services.gateway import api, consumers
from services.gateway.config import GatewaySettings
from services.gateway.description import Description
from services.gateway.edge import Edge, HotDashboard
from services.gateway.forwarding import Forwarder
from services.gateway.hot import Hot
from services.gateway.live import Changes
from services.gateway.rates import Rates
from services.gateway.routes import SERVICES, Routes
from services.gateway.upstream import Upstream
from shared.eventstore.database import Database
from shared.eventstore.listening import listen
from shared.web.app import create_app
from shared.web.authentication import Authenticator
from shared.web.consistency import Consistency
from shared.web.identity import RemoteIdentity
from shared.web.logs import configure
from shared.web.serve import run, serve, stop_on_signals
from shared.web.settings import load_settings

if TYPE_CHECKING:
    from shared.messaging.beside import Beside
    from shared.messaging.rebuild import Rebuilt

# What only the projector and operators need is imported where it is needed: the api process stays small.


async def run_api(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Answer reads, forward commands, push changes."""
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.need("database_url"))
        stack.push_async_callback(database.close)
        identity = RemoteIdentity(settings.need("identity_url"), settings.need("service_secret"))
        await stack.enter_async_context(identity)
        authenticator = Authenticator(identity, identity.revocations, at_hand=identity.at_hand)
        topics = consumers.topics(settings.topic_prefix)
        waits = (
            Consistency(database, consumers.READ_MODELS, topics),
            Consistency(database, consumers.PEOPLE, {"identity": topics["identity"]}),
        )
        for consistency in waits:
            stack.push_async_callback(consistency.close)
        upstreams = {service: Upstream(settings.need(f"{service}_url")) for service in SERVICES}
        for upstream in upstreams.values():
            stack.callback(upstream.close)
        changes, hot = Changes(), Hot()

        def wake(channel: str, payload: str) -> None:
            hot.wake(channel, payload)  # first: who is woken reads what is new
            changes.wake(channel, payload)

        listening = await _beside(stack, listen(database, wake, "changed", lost=hot.lose))
        listening.add_done_callback(lambda _: stop.set())
        await _beside(stack, _end_streams(changes, stop))
        app = create_app(
            "gateway",
            api.PERMISSIONS,
            [api.router],
            authenticator=authenticator,
            checks={"database": lambda: database.fetchval("SELECT count(*) FROM checkpoints")},
            state={
                "database": database,
                "authenticator": authenticator,
                "consumers": waits,
                "changes": changes,
                "hot": hot,
                "description": Description(upstreams),
            },
        )
        callers = Rates(settings.rate_limit_per_second, settings.rate_limit_burst)
        door = Middleware(
            Edge,
            routes=Routes(api.PERMISSIONS),
            forwarder=Forwarder(upstreams),
            authenticator=authenticator,
            callers=callers,
            addresses=Rates(settings.rate_limit_anonymous_per_second, settings.rate_limit_anonymous_burst),
        )
        app.user_middleware.append(door)  # inside of observation and body checks
        shortcuts = {b"/v1/dashboards/me": HotDashboard(hot, authenticator, callers)}
        port = settings.need_port("http_port")
        await serve(app, settings.http_host, port, stop=stop, shortcuts=shortcuts)


async def _end_streams(changes: Changes, stop: asyncio.Event) -> None:
    """End the streams first: the server waits for answers under way before it goes."""
    await stop.wait()
    changes.stop()


async def _beside(stack: AsyncExitStack, coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """Run it until the stack is left, which raises what it has failed with."""
    task = asyncio.create_task(coroutine)

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)
    return task


async def run_projector(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Keep the read models, and what is personal beside them."""
    from services.gateway.people import fetching
    from shared.contracts import identity
    from shared.contracts.catalogue import MESSAGES
    from shared.messaging.people import People
    from shared.messaging.projections import Projector
    from shared.messaging.runner import Runner
    from shared.roles.worker import run_beside
    from shared.web.health import Health

    async with AsyncExitStack() as stack:
        database = await Database.open(settings.need("database_url"))
        stack.push_async_callback(database.close)
        fetch = await stack.enter_async_context(
            fetching(settings.need("identity_url"), settings.need("service_secret"))
        )
        bootstrap, prefix = settings.need("kafka_bootstrap"), settings.topic_prefix
        topics = consumers.topics(prefix)
        projector = Projector(database, consumers.PROJECTIONS, MESSAGES, consumer=consumers.READ_MODELS)
        people = People(
            database, fetch, identity.ProfileChanged, identity.PersonErased, MESSAGES, consumer=consumers.PEOPLE
        )
        runners = [
            Runner(database, bootstrap, f"{prefix}.gateway.{projector.consumer}", list(topics.values()), projector),
            Runner(database, bootstrap, f"{prefix}.gateway.{people.consumer}", [topics["identity"]], people),
        ]

        async def joined(runner: Runner) -> bool:
            return not runner.troubles()

        checks: dict[str, Callable[[], Awaitable[object]]] = {
            "database": lambda: database.fetchval("SELECT count(*) FROM checkpoints"),
            "read_models": partial(joined, runners[0]),
            "people": partial(joined, runners[1]),
        }
        await run_beside(
            Health(checks), settings.http_host, settings.need_port("worker_port"), [r.run for r in runners], stop
        )


async def run_all(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Serve api and projector in one process; when one of them ends, so does the other."""
    async with asyncio.TaskGroup() as group:
        for role in (run_api, run_projector):
            task = group.create_task(role(settings, stop))
            task.add_done_callback(lambda _: stop.set())


async def rebuild_projection(settings: GatewaySettings, name: str = "") -> str:
    """Make a read model anew from the first message on, beside the living one, and swap it in."""
    from shared.messaging.rebuild import rebuild

    done = await _each(settings, name, rebuild)
    return "\n".join(f"gateway: {one.projection} rebuilt: {one.rows} rows of {one.messages} messages" for one in done)


async def verify(settings: GatewaySettings, name: str = "") -> str:
    """Compare each read model, at equal checkpoints, with what its messages make of it, byte for byte."""
    from shared.messaging.rebuild import verify_projection

    done = await _each(settings, name, verify_projection)
    return "\n".join(f"gateway: {one.projection}: {one.rows} rows equal their rebuild" for one in done)


async def replay(settings: GatewaySettings) -> str:
    """Have the running projector try again what is parked."""
    from shared.messaging.parking import request_replay

    database = await Database.open(settings.need("database_url"))
    try:
        for consumer in (consumers.READ_MODELS, consumers.PEOPLE):
            await request_replay(database, consumer)
        left = await database.fetchval("SELECT count(*) FROM parked")
    finally:
        await database.close()
    return f"asked the projector to try {left} parked messages again"


async def _each(
    settings: GatewaySettings, name: str, make: "Callable[[Beside], Awaitable[Rebuilt]]"
) -> "list[Rebuilt]":
    from shared.contracts.catalogue import MESSAGES
    from shared.messaging.beside import Beside

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
    from shared.roles.operate import adopted

    database = await Database.open(settings.need("database_url"))
    try:
        said = await adopted("gateway", database, settings.topic_prefix, arguments)
    finally:
        await database.close()
    return f"{said}\nthe read models show what is lost until they are made anew: rebuild"


Role = Callable[[GatewaySettings, asyncio.Event], Awaitable[None]]
Verb = Callable[..., Awaitable[str]]

ROLES: dict[str, Role] = {"api": run_api, "projector": run_projector, "all": run_all}
VERBS: dict[str, Verb] = {"rebuild": rebuild_projection, "verify": verify, "replay": replay, "adopt": adopt}


def main() -> None:
    """Do what the command line asks for; exits with 1 where an operator's verb finds something wrong."""
    parser = argparse.ArgumentParser(prog="services.gateway.main", description="gateway")
    parsers = parser.add_subparsers(dest="verb", required=True, metavar="role or verb")
    for name, action in {**ROLES, **VERBS}.items():
        added = parsers.add_parser(name, help=action.__doc__)
        if name in VERBS:
            added.add_argument("arguments", nargs="*")
    parsers.add_parser("migrate", help="bring the database to this release's schema, as its owner")
    chosen = parser.parse_args()
    settings = load_settings(GatewaySettings)
    configure("gateway", chosen.verb, settings.log_level)
    if chosen.verb == "migrate":
        from shared.roles.cli import migrate

        migrate("gateway", settings)
    elif chosen.verb in ROLES:
        run(_serve(ROLES[chosen.verb], settings))
    else:
        run(_operate(VERBS[chosen.verb], settings, chosen.arguments))


async def _serve(role: Role, settings: GatewaySettings) -> None:
    await role(settings, stop_on_signals())


async def _operate(verb: Verb, settings: GatewaySettings, arguments: Sequence[str]) -> None:
    try:
        print(await verb(settings, *arguments))
    except Exception as problem:  # an operator wants one line, and a status that scripts understand
        sys.stderr.write(f"gateway: {type(problem).__name__}: {problem}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
