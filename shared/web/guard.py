"""The last step before a handler: the row of the route that was matched decides who gets through."""

import hmac
import re
from collections.abc import Mapping
from typing import Any

from shared.web.authentication import Authenticator, bearer, refused
from shared.web.exchange import exchange_of, header
from shared.web.permissions import INTERNAL, PUBLIC, Permission
from shared.web.problems import Problem

IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,200}")


class Guard:
    """Pure ASGI, wrapped around one route's app: it runs after routing, so no address can be read in two ways."""

    def __init__(
        self, app: Any, rows: Mapping[str, Permission], authenticator: Authenticator | None, service_secret: str
    ) -> None:
        self._app = app
        self._rows = rows
        self._authenticator = authenticator
        self._secret = service_secret.encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let the request through to the handler, or raise Problem."""
        method = scope["method"]
        row = self._rows.get("GET" if method == "HEAD" else method)
        if row is None:
            raise Problem("method-not-allowed", headers={"allow": ", ".join(sorted(self._rows))})
        exchange = exchange_of(scope)
        exchange.permission = row
        authorization = header(scope["headers"], b"authorization")
        if row.roles is INTERNAL:
            self._check_service(authorization)
        elif row.roles is not PUBLIC:
            assert isinstance(row.roles, frozenset)
            if self._authenticator is None:
                raise Problem("authentication-unavailable")
            caller = await self._authenticator.caller(authorization)
            if caller.role not in row.roles:
                raise Problem("role-not-allowed")
            exchange.caller = caller
        if row.idempotent:
            check_key(header(scope["headers"], b"idempotency-key"))
        await self._app(scope, receive, send)

    def _check_service(self, authorization: str | None) -> None:
        token = bearer(authorization)
        if token is None:
            raise Problem("token-required", headers={"www-authenticate": "Bearer"})
        if not self._secret or not hmac.compare_digest(token.encode("latin-1", "replace"), self._secret):
            raise refused("token-invalid")


def check_key(key: str | None) -> None:
    """Raise Problem unless an Idempotency-Key was sent and looks like one."""
    if key is None:
        raise Problem("idempotency-key-required")
    if IDEMPOTENCY_KEY.fullmatch(key) is None:
        raise Problem("idempotency-key-invalid")
