"""The door: every request that comes in is limited, its token is verified, and it is answered here or forwarded."""

from collections.abc import Mapping
from typing import Any

from services.gateway.forwarding import Forwarder
from services.gateway.hot import Hot
from services.gateway.queries import DASHBOARDS, dashboard_row
from services.gateway.rates import Rates
from services.gateway.routes import Routes
from shared.web.authentication import Authenticator
from shared.web.bodies import BodyRefused
from shared.web.exchange import answer_problem, exchange_of, header
from shared.web.health import PATHS
from shared.web.problems import Problem
from shared.web.ready import Ready


class Edge:
    """Pure ASGI, inside of observation and body checks, around the app that answers reads.

    The service that a request is forwarded to verifies the token again, and it alone looks at the role.
    """

    def __init__(
        self,
        app: Any,
        routes: Routes,
        forwarder: Forwarder,
        authenticator: Authenticator,
        callers: Rates,
        addresses: Rates,
    ) -> None:
        self._app = app
        self._routes = routes
        self._forwarder = forwarder
        self._authenticator = authenticator
        self._callers = callers
        self._addresses = addresses

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["path"] in PATHS:
            await self._app(scope, receive, send)
            return
        try:
            await self._pass(scope, receive, send)
        except Problem as problem:
            await answer_problem(scope, send, problem)
        except BodyRefused as refused:
            await answer_problem(scope, send, refused.problem)

    async def _pass(self, scope: Any, receive: Any, send: Any) -> None:
        exchange = exchange_of(scope)
        address = scope["client"][0] if scope.get("client") else ""
        route = self._routes.find(scope["method"], scope["path"], scope["raw_path"])
        if route is None or route.public:
            limit(self._addresses, address)
        else:
            exchange.permission = route.row
            try:
                exchange.caller = await self._authenticator.caller(header(scope["headers"], b"authorization"))
            except Problem:
                limit(self._addresses, address)
                raise
            limit(self._callers, exchange.caller.account_id)
        if route is None or not route.service:
            await self._app(scope, receive, send)
        else:
            exchange.permission = route.row
            await self._forwarder.forward(route.service, scope, receive, send)


class HotDashboard:
    """A shortcut: the dashboard of somebody whose token was verified before, where its bytes are kept.

    Whoever wants more than that, or is refused, takes the long way.
    """

    def __init__(self, hot: Hot, authenticator: Authenticator, callers: Rates) -> None:
        self._hot = hot
        self._authenticator = authenticator
        self._callers = callers

    def __call__(self, headers: Mapping[bytes, bytes]) -> Ready | None:
        """Return the bytes, one request of the caller's being spent; None: the long way, nothing being spent."""
        if b"consistency-token" in headers or b"if-none-match" in headers:
            return None
        caller = self._authenticator.remembered(headers.get(b"authorization", b""))
        if caller is None or caller.role not in DASHBOARDS:
            return None
        ready = self._hot.get(dashboard_row(caller))
        return None if ready is None or self._callers.take(caller.account_id) else ready


def limit(rates: Rates, key: str) -> None:
    """Raise Problem where somebody asks too often."""
    if seconds := rates.take(key):
        raise Problem("too-many-requests", headers={"retry-after": str(seconds)})
