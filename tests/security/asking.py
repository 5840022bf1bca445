"""One request as it is, and what was answered: no client's good manners stand in between."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from shared.kernel.ids import new_id
from shared.web.problems import PROBLEM_JSON, TYPE_BASE

#: The server is not ready to judge, for instance under load: asked again, with the same key.
NOT_JUDGED = (429, 502, 503, 504)
ATTEMPTS = 10

FRESH = "a new key"


@dataclass
class Answer:
    """Status, headers and the decoded body; of a problem also its `code`."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        """The last part of the problem's type, '' where it is none of ours."""
        type = self.body.get("type", "") if isinstance(self.body, dict) else ""
        return str(type).removeprefix(TYPE_BASE) if str(type).startswith(TYPE_BASE) else ""

    def assert_refused(self, what: str, status: int, code: str, field: str | None = None) -> None:
        """Fail, naming `what`, unless this is that problem, whole, naming that field."""
        told = f"{what}: {self.status} {self.body}"
        assert (self.status, self.code) == (status, code), f"{told}; {status} {code} is documented"
        assert self.headers["content-type"] == PROBLEM_JSON, told
        assert self.body["status"] == status, told
        assert self.body["title"], told
        assert self.body["detail"], told
        assert self.body["instance"] == self.headers["x-correlation-id"] or "idempotency-replayed" in self.headers, told
        assert self.body.get("field") == field, f"{told}; the field is {field}"
        if field is not None:
            assert self.body["errors"][0]["field"] == field, told


@dataclass
class Asking:
    """Asks one address: the gateway, or a service behind it."""

    session: aiohttp.ClientSession
    base: str
    width: asyncio.Semaphore

    def of(self, base: str) -> "Asking":
        """Return the same for another address."""
        return Asking(self.session, base, self.width)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "",
        raw: bytes | None = None,
        key: str | None = FRESH,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send `body` as JSON, or `raw` as it is; `key` None: without an Idempotency-Key."""
        sent = {"content-type": "application/json"} if method != "GET" and (raw is not None or body is not None) else {}
        if token:
            sent["authorization"] = f"Bearer {token}"
        if key is not None and method != "GET":
            sent["idempotency-key"] = new_id() if key == FRESH else key
        sent |= headers or {}
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        for attempt in range(ATTEMPTS):
            async with (
                self.width,
                self.session.request(method, self.base + path, data=data, headers=sent) as reply,
            ):
                text = await reply.read()
                lowered = {name.lower(): value for name, value in reply.headers.items()}
            if reply.status not in NOT_JUDGED:
                break
            await asyncio.sleep(min(0.2 * 2**attempt, 5))
        try:
            decoded = json.loads(text) if text else None
        except ValueError:
            decoded = text.decode("utf-8", "replace")
        return Answer(reply.status, lowered, decoded)
