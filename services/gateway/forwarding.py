"""Forwarding: a request goes to its service and the answer comes back, with nothing looked into."""

import asyncio
from collections.abc import Mapping
from typing import Any

from services.gateway.upstream import Connection, Upstream, UpstreamAway, UpstreamFull
from shared.web.exchange import Headers, exchange_of, header
from shared.web.problems import Problem

#: Headers of one connection only (RFC 9110, 7.6.1), and those that we write ourselves.
DROPPED = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
    b"trailer", b"transfer-encoding", b"upgrade", b"expect", b"host", b"content-length", b"traceparent",
    b"x-correlation-id", b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto",
})  # fmt: skip
DROPPED_OF_ANSWERS = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-connection", b"te", b"trailer", b"transfer-encoding",
    b"upgrade", b"date", b"server", b"x-correlation-id",
})  # fmt: skip

BODY_SECONDS = 20.0  # for the whole body of a request, which is small


class Forwarder:
    """One per process."""

    def __init__(self, upstreams: Mapping[str, Upstream]) -> None:
        self._upstreams = dict(upstreams)

    async def forward(self, service: str, scope: Any, receive: Any, send: Any) -> None:
        """Forward one request. Raises Problem while nothing is answered yet, UpstreamBroken in the middle."""
        upstream = self._upstreams[service]
        body = await _body(scope, receive)
        repeatable = scope["method"] in ("GET", "HEAD") or header(scope["headers"], b"idempotency-key") is not None
        try:
            connection = await upstream.ask(
                head(scope, upstream.authority, body) + (body or b""),
                bodiless=scope["method"] == "HEAD",
                repeatable=repeatable,
            )
        except UpstreamAway:
            raise Problem("unavailable") from None
        except UpstreamFull:
            raise Problem("overloaded") from None
        try:
            await _answer(connection, receive, send)
        finally:
            upstream.release(connection)


def head(scope: Any, authority: bytes, body: bytes | None) -> bytes:
    """Return request line and headers as the service gets them: traced by us, and the body's size counted by us."""
    exchange = exchange_of(scope)
    query: bytes = scope["query_string"]
    lines = [
        scope["method"].encode() + b" " + scope["raw_path"] + (b"?" + query if query else b"") + b" HTTP/1.1",
        b"host: " + authority,
        b"traceparent: " + str(exchange.context.trace).encode(),
        b"x-correlation-id: " + exchange.context.correlation_id.encode(),
    ]
    if scope.get("client"):
        lines.append(b"x-forwarded-for: " + scope["client"][0].encode())
    if body is not None:
        lines.append(b"content-length: %d" % len(body))
    dropped = DROPPED | named(scope["headers"])
    lines += [name + b": " + value for name, value in scope["headers"] if name not in dropped]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def named(headers: Headers) -> frozenset[bytes]:
    """Return the headers that a Connection header names: they are for this connection only, too."""
    found = [value for name, value in headers if name == b"connection"]
    return frozenset(part.strip().lower() for value in found for part in value.split(b","))


async def _body(scope: Any, receive: Any) -> bytes | None:
    """Return the whole body, which the layer above limits; None where there is none."""
    if not any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"]):
        return None
    try:
        async with asyncio.timeout(BODY_SECONDS):
            pieces = []
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem("bad-request")  # nobody is there to read it
                pieces.append(message.get("body", b""))
                if not message.get("more_body"):
                    return b"".join(pieces)
    except TimeoutError:
        raise Problem("bad-request", "The body did not come in time.") from None


async def _answer(connection: Connection, receive: Any, send: Any) -> None:
    dropped = DROPPED_OF_ANSWERS | named(connection.headers)
    headers = [pair for pair in connection.headers if pair[0] not in dropped]
    await send({"type": "http.response.start", "status": connection.status, "headers": headers})
    if not connection.finished and not await _streamed(connection, receive, send):
        return
    await send({"type": "http.response.body", "body": connection.take()})


async def _streamed(connection: Connection, receive: Any, send: Any) -> bool:
    """Send parts on as they come, until the rest is there; False where the client has gone."""
    gone = asyncio.ensure_future(_gone(receive))
    try:
        while not connection.finished:
            if body := connection.take():
                await send({"type": "http.response.body", "body": body, "more_body": True})
            more = asyncio.ensure_future(connection.more())
            await asyncio.wait({more, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not more.done():
                more.cancel()
                await asyncio.gather(more, return_exceptions=True)
                return False
            more.result()
        return True
    finally:
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
