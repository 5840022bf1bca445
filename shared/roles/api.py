"""The role `api`: HTTP in, commands executed, answers out."""

from asyncio import Event
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import cast

from shared.messaging.topics import topic_name
from shared.roles.definition import Definition
from shared.roles.runtime import open_runtime
from shared.web.app import create_app
from shared.web.authentication import Authenticator
from shared.web.commands import Commands
from shared.web.consistency import Consistency
from shared.web.identity import RemoteIdentity
from shared.web.serve import serve, stop_on_signals
from shared.web.settings import Settings


async def run_api(definition: Definition, settings: Settings, stop: Event | None = None) -> None:
    """Serve until told to stop."""
    stop = stop or stop_on_signals()
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(open_runtime(definition, settings))
        topics = {name: topic_name(settings.topic_prefix, name) for name in definition.listens_to()}
        consistency = Consistency(runtime.database, "processes", topics)  # the worker's consumer
        stack.push_async_callback(consistency.close)
        digest_secret = settings.need("digest_secret")
        state: dict[str, object] = {
            "commands": Commands(runtime.store, runtime.handlers, digest_secret, consistency.reached),
            "database": runtime.database,
            "store": runtime.store,
            "stop": stop,
        }
        if definition.extras is not None:
            extras: Mapping[str, object] = await stack.enter_async_context(definition.extras(runtime))
            state.update(extras)
        if "authenticator" not in state:
            state["authenticator"] = await stack.enter_async_context(remote_authenticator(settings))
        api = import_module(definition.api)
        app = create_app(
            definition.name,
            api.PERMISSIONS,
            [api.router],
            authenticator=cast(Authenticator, state["authenticator"]),
            service_secret=settings.need("service_secret"),
            checks={"database": lambda: runtime.database.fetchval("SELECT position FROM head")},
            state=state,
        )
        await serve(app, settings.http_host, settings.need_port("http_port"), stop=stop)


@asynccontextmanager
async def remote_authenticator(settings: Settings) -> AsyncIterator[Authenticator]:
    """Verify tokens with what identity publishes: its keys, and the sessions that ended."""
    async with RemoteIdentity(settings.need("identity_url"), settings.need("service_secret")) as identity:
        yield Authenticator(identity, identity.revocations)
