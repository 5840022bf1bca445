"""What can be answered as soon as a request is read: no ASGI scope, no task, no layers.

Answers that lie ready, to what asks for them, and refusals while there is too much to do, which have to cost less than
what they keep away. What the layers would do is done here, with the same functions: trace and correlation id, metrics,
the access log; who asks and how often is for the shortcut to judge. A request that is not answered here leaves no
trace: it takes the long way, as every request does that is special in any way.
"""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from shared.kernel.record import record
from shared.web import metrics
from shared.web.exchange import problem_headers
from shared.web.joined import JoinedProtocol
from shared.web.logs import requests
from shared.web.observe import http_date
from shared.web.problems import Problem
from shared.web.tracing import names


@record
class Ready:
    """An answer with status 200: its head as bytes, without the headers that every request gets for itself."""

    route: str
    head: bytes
    body: bytes


#: Gets the headers (in lower case) of a GET; None: the long way.
Shortcut = Callable[[Mapping[bytes, bytes]], Ready | None]

#: Gets method and target (path and query, as sent) of any request; returns its route and why it is refused, whoever
#: sends it and whatever is in it; None: the long way.
Refuse = Callable[[str, bytes], tuple[str, Problem] | None]

#: Headers of a request that no shortcut answers: it has a body, or wants another protocol.
SPECIAL = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})


def ready_of(route: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Ready:
    """Return what a shortcut answers with, of the headers and body that the long way answers with."""
    return Ready(route, b"HTTP/1.1 200 OK\r\n" + _lines(headers), body)


def nothing_refused(method: str, target: bytes) -> None:
    """Refuse nothing."""


class ReadyProtocol(JoinedProtocol):
    """The protocol with shortcuts for some targets, and refusals."""

    shortcuts: Mapping[bytes, Shortcut] = {}
    refuse: Refuse = staticmethod(nothing_refused)
    _answered = False
    _refused: tuple[str, Problem] | None = None  # and yet to be told: its body may still be on its way
    _begun: list[bytes]  # of that body

    def data_received(self, data: bytes) -> None:
        """Read on. Who is refused and sends the body in its own time is told by those who limit that time."""
        super().data_received(data)
        if self._refused is not None:
            self._refused = None
            if not self.transport.is_closing():
                self._go_on()
                for part in self._begun:
                    super().on_body(part)

    def on_message_begin(self) -> None:
        """Begin a request; its scope is made when it is known to be needed."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._answered = False

    def on_headers_complete(self) -> None:
        """Answer at once, or refuse when the body is there, or let the request take the long way."""
        if self._is_plain():
            shortcut = self.shortcuts.get(self.url)
            if shortcut is not None and self._answer(shortcut):
                self._answered = True
                return
            self._refused = self.refuse(self.parser.get_method().decode("ascii"), self.url)
            if self._refused is not None:
                self._begun = []
                return
        self._go_on()

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        if self._refused is not None:
            self._begun.append(body)
        elif not self._answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Let whoever waits for the body know that it is whole."""
        if self._refused is not None:
            self._tell(*self._refused)
            self._refused = None
        elif not self._answered:
            super().on_message_complete()

    def _is_plain(self) -> bool:
        """Tell whether a request may be answered at once at all."""
        return (
            (self.cycle is None or self.cycle.response_complete)  # answers go out in the order of requests
            and not self.flow.write_paused
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
        )

    def _go_on(self) -> None:
        """Take the long way with the request whose head is read."""
        self._unset_keepalive_if_required()  # of an answer in the same packet: this one may take as long as it likes
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.headers.extend(headers)
        super().on_headers_complete()

    def _answer(self, shortcut: Shortcut) -> bool:
        started = time.perf_counter()
        headers = dict(self.headers)
        if self.parser.get_method() != b"GET" or len(headers) != len(self.headers) or not SPECIAL.isdisjoint(headers):
            return False
        ready = shortcut(headers)
        if ready is None:
            return False
        correlation_id, trace_id = self._names(headers)
        self._write(ready.head, correlation_id, ready.body)
        seconds = time.perf_counter() - started
        metrics.REQUESTS.observe("GET", ready.route, 200, seconds)
        requests.note(correlation_id, trace_id, "GET", ready.route, 200, seconds, None)
        return True

    def _tell(self, route: str, problem: Problem) -> None:
        started = time.perf_counter()
        method = self.parser.get_method().decode("ascii")
        correlation_id, trace_id = self._names(dict(reversed(self.headers)))  # the first of each name, as always
        body = problem.body(correlation_id)
        line = b"HTTP/1.1 %d %b\r\n" % (problem.status, HTTPStatus(problem.status).phrase.encode())
        self._write(line + _lines(problem_headers(problem, body)), correlation_id, b"" if method == "HEAD" else body)
        seconds = time.perf_counter() - started
        metrics.REQUESTS.observe(method, route, problem.status, seconds)
        metrics.REFUSALS.labels(problem.code).inc()
        requests.note(correlation_id, trace_id, method, route, problem.status, seconds, problem.code)

    def _names(self, headers: Mapping[bytes, bytes]) -> tuple[str, str]:
        return names(_text(headers, b"traceparent"), _text(headers, b"x-correlation-id"))

    def _write(self, head: bytes, correlation_id: str, body: bytes) -> None:
        date = http_date(int(time.time()))
        self.transport.write(
            b"%bdate: %b\r\nx-correlation-id: %b\r\n\r\n%b" % (head, date, correlation_id.encode(), body)
        )
        self.server_state.total_requests += 1
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % pair for pair in headers)


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def protocol(shortcuts: Mapping[bytes, Shortcut], refuse: Refuse = nothing_refused) -> Any:
    """Return the protocol with these shortcuts, target (path and query, as sent) -> what answers it, and refusals."""
    if not shortcuts and refuse is nothing_refused:
        return JoinedProtocol
    return type("Protocol", (ReadyProtocol,), {"shortcuts": dict(shortcuts), "refuse": staticmethod(refuse)})
