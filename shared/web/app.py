"""The app of a service: its routers behind observation, body checks and the permission table."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from copy import copy
from typing import Annotated, Any, cast

from fastapi import Depends, FastAPI, Request
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.web import description, health
from shared.web.authentication import Authenticator, Caller
from shared.web.bodies import Bodies
from shared.web.direct import way_into
from shared.web.exchange import exchange_of
from shared.web.guard import Guard
from shared.web.health import Check, Health
from shared.web.observe import Observe
from shared.web.permissions import PUBLIC, Permission, pair
from shared.web.refusals import HANDLERS
from shared.web.routed import Routed

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

#: Rows of the routes that every app has.
OWN_PERMISSIONS = (
    *(Permission("GET", path, PUBLIC) for path in health.PATHS),
    Permission("GET", "/openapi.json", PUBLIC),
)

#: Observe sees to traces, metrics and logs. FastAPI's own would look for exporters with each request.
NONE_OF_ITS_OWN: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


class _App(FastAPI):
    """FastAPI without the layers that have nothing to do here: Observe answers what fails, and reports it."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return the layers of ours, and inside of them the one that finds routes and answers what they raise."""
        app: ASGIApp = Routed(self.router, self.exception_handlers)
        for layer in reversed(self.user_middleware):
            app = layer.cls(app, *layer.args, **layer.kwargs)
        return app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Lead a request into the layers. FastAPI and Starlette do no more where telemetry is off, in two turns."""
        if scope["type"] != "http" or self.middleware_stack is None:
            return super().__call__(scope, receive, send)
        scope["app"] = self
        return cast(Coroutine[Any, Any, None], self.middleware_stack(scope, receive, send))


def create_app(
    title: str,
    permissions: Sequence[Permission],
    routers: Sequence[Router],
    *,
    authenticator: Authenticator | None,
    service_secret: str = "",
    checks: Mapping[str, Check] | None = None,
    state: Mapping[str, object] | None = None,
    lifespan: Lifespan | None = None,
    contexts: Sequence[AbstractAsyncContextManager[object]] = (),
    version: str = "1",
) -> FastAPI:
    """Return the app; raises PermissionTableBroken unless each route has a row and each row a route.

    `state` becomes `request.app.state` (`commands` is the one that `command` wants); `contexts` are open while the app
    runs, for instance RemoteIdentity, and inside of them `lifespan`. Without `service_secret` no INTERNAL route opens.
    """
    own = Health(checks or {})

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for context in contexts:
                await stack.enter_async_context(context)
            if lifespan is not None:
                await stack.enter_async_context(lifespan(app))
            yield

    app = _App(
        title=title,
        version=version,
        lifespan=running,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=HANDLERS,
        middleware=[Middleware(Observe), Middleware(Bodies)],
        telemetry=NONE_OF_ITS_OWN,
    )
    # The routes themselves and not `include_router`: that one matches each request twice, and hides the route's app.
    # Copies, since a router may serve in several apps, each with a guard of its own.
    app.router.routes.extend(copy(route) for router in routers for route in router.routes)
    app.router.routes.extend(Route(path, own, methods=["GET"], include_in_schema=False) for path in health.PATHS)
    for route, rows in pair([*permissions, *OWN_PERMISSIONS], app.router.routes):
        route.app = Guard(way_into(route), {row.method: row for row in rows}, authenticator, service_secret)
    for name, value in (state or {}).items():
        setattr(app.state, name, value)
    description.describe(app, permissions)
    return app


async def signed_in(request: Request) -> Caller:
    """Return who is asking; only for routes whose row names roles."""
    caller = exchange_of(request.scope).caller
    if caller is None:
        raise RuntimeError("this route is not open to persons: it has no caller")
    return caller


#: What a handler takes to know who is asking: `async def list_mine(caller: SignedIn) -> ...`
SignedIn = Annotated[Caller, Depends(signed_in)]


def state_of(request: Request, name: str) -> Any:
    """Return what the composition root has put into the app's state under that name."""
    return getattr(request.app.state, name)
