"""The layer around the routes: it finds the one that fits, and turns what is raised there into an answer.

Starlette tries one route after another, and wraps every request and its answer to see whether it had begun when
something was raised. Here only routes of the same method and number of segments are tried, and `Observe` knows.
"""

from collections.abc import Mapping
from typing import Any

from starlette.convertors import PathConvertor
from starlette.requests import Request
from starlette.routing import BaseRoute, Match, Route, Router

from shared.web.exchange import exchange_of


class Routed:
    """Pure ASGI. What fits none of the routes is left to the router, which refuses it.

    `handlers` make an answer of an exception, by its type or the nearest that it inherits; what has none is raised on.
    """

    def __init__(self, router: Router, handlers: Mapping[Any, Any]) -> None:
        self._router = router
        self._handlers = handlers
        self._routes: dict[tuple[str, int], list[Route]] = {}
        for route in map(_plain, router.routes):
            for method in route.methods or ():
                self._routes.setdefault((method, route.path.count("/")), []).append(route)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        try:
            await self._app(scope)(scope, receive, send)
        except Exception as problem:
            handler = next((self._handlers[kind] for kind in type(problem).__mro__ if kind in self._handlers), None)
            if handler is None or exchange_of(scope).status:
                raise
            response = await handler(Request(scope), problem)
            await response(scope, receive, send)

    def _app(self, scope: Any) -> Any:
        for route in self._routes.get((scope["method"], scope["path"].count("/")), ()):
            fits, found = route.matches(scope)
            if fits is Match.FULL:
                scope.update(found)
                return route.app
        return self._router


def _plain(route: BaseRoute) -> Route:
    """Return a route whose addresses have as many segments as it has; raises ValueError for any other."""
    if not isinstance(route, Route) or any(isinstance(each, PathConvertor) for each in route.param_convertors.values()):
        raise ValueError(f"{route} is open to addresses of any length")
    return route
