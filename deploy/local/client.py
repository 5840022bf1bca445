"""A small client of the gateway, as a frontend would be: it signs in, sends keys, and remembers what it has seen."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp

from shared.kernel.ids import new_id
from shared.messaging.token import merge

ATTEMPTS = 12
PASSING = (429, 502, 503, 504)  # statuses that say nothing about the request itself


class Refused(Exception):
    """The gateway answered with a problem: `status`, its `type`'s last part as `code`, and the whole of it."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('type', '')}: {problem.get('detail', '')} {problem.get('field', '')}")
        self.status = status
        self.problem = problem
        self.code = str(problem.get("type", "")).rpartition("/")[2]


@dataclass
class Reply:
    """What came back: status, headers, and the decoded body (None where there is none)."""

    status: int
    headers: dict[str, str]
    body: Any

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def stale(self) -> bool:
        """Tell whether the read model had not seen all that the client has."""
        return self.headers.get("consistency") == "stale"


@dataclass
class Client:
    """One person in front of the gateway. Not signed in until `sign_in`; `seen` is the Consistency-Token it holds."""

    session: aiohttp.ClientSession
    base: str
    account_id: str = ""
    access: str = ""
    refresh: str = ""
    seen: str = ""
    last: dict[str, Any] = field(default_factory=dict)

    def other(self) -> Self:
        """Return another person in front of the same gateway, signed out."""
        return type(self)(self.session, self.base)

    async def send(self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Reply:
        """Send one request as it is; never raises for a status."""
        sent = dict(headers or {})
        if self.access:
            sent.setdefault("authorization", f"Bearer {self.access}")
        if self.seen:
            sent.setdefault("consistency-token", self.seen)
        async with self.session.request(method, self.base + path, json=body, headers=sent) as answer:
            lowered = {name.lower(): value for name, value in answer.headers.items()}
            decoded = await answer.json(content_type=None) if answer.content_length != 0 else None
            if token := lowered.get("consistency-token"):
                self.seen = merge(self.seen, token)
            return Reply(answer.status, lowered, decoded)

    async def command(self, path: str, body: Any = None, *, method: str = "POST", key: str | None = None) -> Reply:
        """Send a command; where the outcome is unknown, ask again with the same key. Raises Refused."""
        headers = {"idempotency-key": key or new_id()}
        return await self._patiently(method, path, {} if body is None else body, headers)

    async def read(self, path: str) -> Reply:
        """Read; raises Refused."""
        return await self._patiently("GET", path)

    async def _patiently(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Ask again, with pauses, while nobody answers or the answer is that nobody can."""
        for attempt in range(ATTEMPTS):
            try:
                reply = await self.send(method, path, body, headers=headers)
            except (aiohttp.ClientConnectionError, TimeoutError):
                reply = Reply(503, {}, {"type": "", "detail": "the gateway did not answer"})
            if reply.status not in PASSING:
                break
            await asyncio.sleep(min(0.2 * 2**attempt, 3))
        return self._accepted(reply)

    async def sign_in(self, email: str, password: str) -> Self:
        """Sign in and keep the tokens; raises Refused."""
        reply = await self._patiently("POST", "/v1/sessions", {"email": email, "password": password})
        self.access, self.refresh, self.account_id = (
            reply["access_token"], reply["refresh_token"], reply["account_id"],
        )  # fmt: skip
        return self

    def _accepted(self, reply: Reply) -> Reply:
        if reply.status >= 400:
            raise Refused(reply.status, reply.body if isinstance(reply.body, dict) else {})
        return reply
