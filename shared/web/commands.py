"""From an HTTP request to a unit of work and back: what every command's handler in an api.py ends with."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from shared.eventstore.entry import Answer, Metadata
from shared.eventstore.entry import Request as KeptRequest
from shared.eventstore.execute import Executed, Store
from shared.eventstore.handlers import Handlers, on
from shared.kernel.rejected import Rejected
from shared.web.exchange import exchange_of, header
from shared.web.problems import PROBLEM_JSON, FieldError, Problem, refusal_body, refusal_status
from shared.web.tracing import correlation_id

ANONYMOUS = "anonymous"
_ETAG = re.compile(r'"([1-9][0-9]{0,8})"')

#: Waits, for a bounded time, until a Consistency-Token is reached; tells whether it is.
Reached = Callable[[str], Awaitable[bool]]


async def no_wait(token: str) -> bool:
    """Wait for nothing: for a service that listens to nobody."""
    return True


class Commands:
    """What `command` runs on: one per process, in the app's state as `commands`."""

    def __init__(self, store: Store, handlers: Handlers, digest_secret: str, reached: Reached = no_wait) -> None:
        self.store = store
        self.handlers = handlers
        self.reached = reached
        self._key = hashlib.sha256(digest_secret.encode()).digest()

    def digest(self, request: Request, body: bytes) -> bytes:
        """Return a keyed digest of the request: it is kept for days, and a body may hold what is personal."""
        digest = hashlib.blake2b(key=self._key, digest_size=32)
        for part in (request.method.encode(), request.scope["path"].encode(), request.scope["query_string"], body):
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.digest()


async def command(
    request: Request,
    command: object,
    *,
    status: int = 200,
    reason: str | None = None,
    on_behalf_of: str | None = None,
    actor: str | None = None,
) -> Response:
    """Execute `command` with its handler and answer: ids and revisions, with Consistency-Token and ETag.

    `status` is that of success. `reason` is a code. `actor` stands in on public routes, where there is no caller.
    Refusals of the domain are answers; raises Problem for bad headers, and for a refusal by a service that has yet to
    hear of what the caller has seen; and what `Store.command` raises.
    """
    commands: Commands = request.app.state.commands
    exchange = exchange_of(request.scope)
    if exchange.permission is None or not exchange.permission.idempotent:
        raise RuntimeError("a command's row in the permission table must say that it is idempotent")
    caller = exchange.caller.account_id if exchange.caller else ANONYMOUS
    body = await request.body()
    _check_no_body(request, body)
    handler = commands.handlers[type(command)]
    revision = _expected_revision(request, has_object=isinstance(handler, on))
    heard = await _wait(request, commands.reached)
    key = header(request.scope["headers"], b"idempotency-key")
    metadata = Metadata(
        actor=actor or caller,
        correlation_id=exchange.context.correlation_id,
        on_behalf_of=on_behalf_of,
        reason=reason,
        traceparent=str(exchange.context.trace),
    )
    kept = KeptRequest(f"{caller}:{request.method} {exchange.permission.path}:{key}", commands.digest(request, body))
    try:
        executed = await commands.store.command(
            commands.handlers, command, metadata, kept, success=status, revision=revision, final=heard
        )
    except Rejected:
        if heard:
            raise
        raise Problem("unavailable", "This service has yet to hear of what you have seen.") from None
    return _answer(request, executed)


def refuse(rejected: Rejected) -> Answer:
    """Return the answer to a refusal that is kept for repeats of its key: what `Store` is given as `refuse`."""
    return Answer(refusal_status(rejected), refusal_body(rejected, correlation_id()))


def _answer(request: Request, executed: Executed) -> Response:
    headers: dict[str, str] = {"cache-control": "no-store"}
    if executed.token:
        headers["consistency-token"] = executed.token
    if executed.repeated:
        headers["idempotency-replayed"] = "true"
    told: Any = orjson.loads(executed.body)
    if executed.status >= 400:
        exchange_of(request.scope).problem = told["type"].rpartition("/")[2]
        return Response(executed.body, executed.status, headers, PROBLEM_JSON)
    if isinstance(told, dict) and isinstance(told.get("revision"), int):
        headers["etag"] = f'"{told["revision"]}"'
    return Response(executed.body, executed.status, headers, "application/json")


async def _wait(request: Request, reached: Reached) -> bool:
    """Give this service the chance to hear of what the caller has seen; the command goes on regardless."""
    token = header(request.scope["headers"], b"consistency-token")
    if not token:
        return True
    try:
        return await reached(token)
    except ValueError:
        raise header_problem("Consistency-Token", "The Consistency-Token of an earlier answer is expected.") from None


def _expected_revision(request: Request, *, has_object: bool) -> int | None:
    wanted = header(request.scope["headers"], b"if-match")
    if wanted is None or wanted.strip() == "*":
        return None
    match = _ETAG.fullmatch(wanted.strip())
    if match is None:
        raise header_problem("If-Match", "One ETag of this object is expected.")
    if not has_object:
        raise header_problem("If-Match", "This command changes more than one object: it takes no If-Match.")
    return int(match[1])


def _check_no_body(request: Request, body: bytes) -> None:
    """Refuse fields where the route takes none: nothing that was sent is ignored in silence."""
    if body and getattr(request.scope.get("route"), "body_field", None) is None and (told := orjson.loads(body)) != {}:
        field = str(next(iter(told)))[:100] if isinstance(told, dict) else "body"
        raise Problem("unknown-field", errors=[FieldError(field, "This command takes no body.")])


def header_problem(name: str, expected: str) -> Problem:
    """Return the problem of a header's value (422, the header being the field)."""
    return Problem("invalid-value", errors=[FieldError(name, expected)])
