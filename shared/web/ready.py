"""Answers that lie ready are written as soon as a request's head is read: no ASGI scope, no task, no layers.

What the layers would do is done here, with the same functions: trace and correlation id, metrics, the access log; who
asks and how often is for the shortcut to judge. A shortcut that does not answer leaves no trace: the request takes the
long way, as every request does that has a body or is special in any other way.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.kernel.record import record
from shared.web import metrics
from shared.web.logs import requests
from shared.web.observe import http_date
from shared.web.tracing import names


@record
class Ready:
    """An answer with status 200: its head as bytes, without the headers that every request gets for itself."""

    route: str
    head: bytes
    body: bytes


#: Gets the headers (in lower case) of a GET; None: the long way.
Shortcut = Callable[[Mapping[bytes, bytes]], Ready | None]

#: Headers of a request that is not answered here: it has a body, or wants another protocol.
SPECIAL = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})


def ready_of(route: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Ready:
    """Return what a shortcut answers with, of the headers and body that the long way answers with."""
    return Ready(route, b"HTTP/1.1 200 OK\r\n" + b"".join(b"%b: %b\r\n" % pair for pair in headers), body)


class ReadyProtocol(HttpToolsProtocol):
    """uvicorn's protocol with shortcuts for some targets."""

    shortcuts: Mapping[bytes, Shortcut] = {}
    _answered = False

    def on_message_begin(self) -> None:
        """Begin a request; its scope is made when it is known to be needed."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._answered = False

    def on_headers_complete(self) -> None:
        """Answer at once, or let the request take the long way."""
        shortcut = self.shortcuts.get(self.url)
        if shortcut is not None and self._answer(shortcut):
            self._answered = True
            return
        self._unset_keepalive_if_required()  # of an answer in the same packet: this one may take as long as it likes
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.headers.extend(headers)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        if not self._answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Let whoever waits for the body know that it is whole."""
        if not self._answered:
            super().on_message_complete()

    def _answer(self, shortcut: Shortcut) -> bool:
        started = time.perf_counter()
        parser = self.parser
        if (
            (self.cycle is not None and not self.cycle.response_complete)  # answers go out in the order of requests
            or self.flow.write_paused
            or parser.get_method() != b"GET"
            or parser.get_http_version() != "1.1"
            or not parser.should_keep_alive()
        ):
            return False
        headers = dict(self.headers)
        if len(headers) != len(self.headers) or not SPECIAL.isdisjoint(headers):
            return False
        ready = shortcut(headers)
        if ready is None:
            return False
        correlation_id, trace_id = names(_text(headers, b"traceparent"), _text(headers, b"x-correlation-id"))
        date = http_date(int(time.time()))
        self.transport.write(
            b"%bdate: %b\r\nx-correlation-id: %b\r\n\r\n%b" % (ready.head, date, correlation_id.encode(), ready.body)
        )
        self.server_state.total_requests += 1
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
        seconds = time.perf_counter() - started
        metrics.REQUESTS.observe("GET", ready.route, 200, seconds)
        requests.note(correlation_id, trace_id, "GET", ready.route, 200, seconds, None)
        return True


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def protocol(shortcuts: Mapping[bytes, Shortcut]) -> Any:
    """Return the protocol with these shortcuts: target (path and query, as sent) -> what answers it."""
    if not shortcuts:
        return HttpToolsProtocol
    return type("Protocol", (ReadyProtocol,), {"shortcuts": dict(shortcuts)})
