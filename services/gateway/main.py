"""gateway: `python -m services.gateway.main <role>`."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.middleware import Middleware

from services.gateway import api, consumers, queries
from services.gateway.config import GatewaySettings
from services.gateway.description import Description
from services.gateway.edge import Edge, HotDashboard
from services.gateway.forwarding import Forwarder
from services.gateway.hot import Hot
from services.gateway.live import Changes
from services.gateway.overload import Overload
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
    from services.gateway.operating import Verb

# What only the projector and operators need is imported where it is needed: the api process stays small.


async def run_api(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Answer reads, forward commands, push changes."""
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.need("database_url"), session=queries.READS)
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
        routes = Routes(api.PERMISSIONS)
        door = Middleware(
            Edge,
            routes=routes,
            forwarder=Forwarder(upstreams),
            authenticator=authenticator,
            callers=callers,
            addresses=Rates(settings.rate_limit_anonymous_per_second, settings.rate_limit_anonymous_burst),
        )
        app.user_middleware.append(door)  # inside of observation and body checks
        shortcuts = {b"/v1/dashboards/me": HotDashboard(hot, authenticator, callers)}
        port = settings.need_port("http_port")
        refuse = Overload(routes, upstreams)
        await serve(app, settings.http_host, port, stop=stop, shortcuts=shortcuts, refuse=refuse)


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
    from shared.messaging.batches import WATCHED
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
        name = f"{prefix}.gateway.{projector.consumer}"
        runners = [
            Runner(database, bootstrap, name, list(topics.values()), projector, WATCHED),
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


Role = Callable[[GatewaySettings, asyncio.Event], Awaitable[None]]

ROLES: dict[str, Role] = {"api": run_api, "projector": run_projector, "all": run_all}


def main() -> None:
    """Do what the command line asks for; exits with 1 where an operator's verb finds something wrong."""
    verbs = {} if {*sys.argv[1:]} & ROLES.keys() else operators_verbs()
    parser = argparse.ArgumentParser(prog="services.gateway.main", description="gateway")
    parsers = parser.add_subparsers(dest="verb", required=True, metavar="role or verb")
    for name, role in ROLES.items():
        parsers.add_parser(name, help=role.__doc__)
    parsers.add_parser("migrate", help="bring the database to this release's schema, as its owner")
    for name, verb in verbs.items():
        parsers.add_parser(name, help=verb.__doc__).add_argument("arguments", nargs="*")
    chosen = parser.parse_args()
    settings = load_settings(GatewaySettings)
    configure("gateway", chosen.verb, settings.log_level)
    if chosen.verb in ROLES:
        run(_serve(ROLES[chosen.verb], settings))
        return
    from shared.roles import cli

    if chosen.verb == "migrate":
        cli.migrate("gateway", settings)
    else:
        run(cli.tell("gateway", partial(verbs[chosen.verb], settings, *chosen.arguments)))


def operators_verbs() -> "dict[str, Verb]":
    """Return what operators may ask for."""
    from services.gateway.operating import VERBS

    return VERBS


async def _serve(role: Role, settings: GatewaySettings) -> None:
    await role(settings, stop_on_signals())


if __name__ == "__main__":
    main()
