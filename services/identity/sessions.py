"""Sessions: begun by signing in, carried on by a refresh token that changes at each use, ended everywhere at once.

A refresh token is `<sid>.<generation>.<mac>`: the table knows which generation is good, and the keyed MAC makes any
other one that was ever given out recognisable. Whoever comes with a used one shows that it was stolen, by him or from
him: the session ends.
"""

import asyncio
import hashlib
import hmac
from base64 import urlsafe_b64encode
from contextlib import suppress
from typing import Any

import asyncpg
import structlog

from shared.eventstore.database import AWAY, Database
from shared.eventstore.listening import listen
from shared.kernel.ids import is_id, new_id
from shared.kernel.record import record
from shared.web.revocations import Revocations

log = structlog.get_logger()

#: PostgreSQL tells every process of this service that a session has ended; asked for now and then all the same.
CHANNEL = "session_ended"
POLL_SECONDS = 15.0
RETRY_SECONDS = 1.0

#: So that numbers are committed in their order, and nobody who asks for what is new misses one.
IN_ORDER = "SELECT pg_advisory_xact_lock(hashtext('revocations'))"

BEGIN = """
INSERT INTO sessions (sid, account_id, generation, expires_at)
SELECT $1, account_id, 1, now() + interval '30 days' FROM credentials WHERE account_id = $2 FOR KEY SHARE
RETURNING sid"""
TIDY = "DELETE FROM sessions WHERE account_id = $1 AND expires_at < now()"
NEXT = """
UPDATE sessions SET generation = generation + 1, expires_at = now() + interval '30 days'
 WHERE sid = $1 AND generation = $2 AND revoked_at IS NULL AND expires_at > now()
RETURNING account_id"""
END = "UPDATE sessions SET revoked_at = now() WHERE sid = $1 AND revoked_at IS NULL RETURNING sid"
REVOKE = f"""
INSERT INTO revocations (sid, expires_at) VALUES ($1, now() + interval '15 minutes')
RETURNING pg_notify('{CHANNEL}', '')"""
TIDY_REVOCATIONS = "DELETE FROM revocations WHERE expires_at < now()"

#: In this order inside an append: no session of the account can begin between them.
END_ALL = (
    "SELECT 1 FROM credentials WHERE account_id = $1 FOR UPDATE",
    f"""INSERT INTO revocations (sid, expires_at)
       SELECT sid, now() + interval '15 minutes' FROM sessions WHERE account_id = $1 AND revoked_at IS NULL
       RETURNING pg_notify('{CHANNEL}', '')""",
    "DELETE FROM credentials WHERE account_id = $1",  # and the sessions with them
)

REVOCATIONS = """
SELECT (SELECT coalesce(max(seq), 0) FROM revocations) AS last, r.seq, r.sid, r.exp
  FROM (SELECT 1) one LEFT JOIN
       (SELECT seq, sid, extract(epoch FROM expires_at)::bigint AS exp FROM revocations
         WHERE seq > $1 ORDER BY seq LIMIT 1000) r ON true
 ORDER BY r.seq"""


class NotSignedIn(Exception):
    """Credentials or refresh token are not good; which of them, and why, is not told."""


@record
class Session:
    """A living session, with the refresh token that carries it on."""

    sid: str
    account_id: str
    refresh_token: str


class Sessions:
    """The sessions table, and the MAC of refresh tokens."""

    def __init__(self, database: Database, secret: str) -> None:
        self._database = database
        self._secret = secret.encode()
        self._ended = asyncio.Event()  # set, and replaced, when a session has ended

    async def begin(self, account_id: str) -> Session:
        """Open a session; raises NotSignedIn where the account has just been erased."""
        sid = new_id()
        await self._database.execute(TIDY, account_id)
        if await self._database.fetchval(BEGIN, sid, account_id) is None:
            raise NotSignedIn
        return Session(sid, account_id, self._token(sid, 1))

    async def carry_on(self, refresh_token: str) -> Session:
        """Exchange a refresh token for the next; raises NotSignedIn. One that was used before ends the session."""
        sid, generation = self._read(refresh_token)
        account_id = await self._database.fetchval(NEXT, sid, generation)
        if account_id is None:
            await self.end(sid)
            raise NotSignedIn
        return Session(sid, account_id, self._token(sid, generation + 1))

    async def end(self, sid: str) -> None:
        """Revoke a session: its refresh token now, its access tokens within seconds. Ending twice changes nothing."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            await connection.execute(IN_ORDER)
            await connection.execute(TIDY_REVOCATIONS)
            if await connection.fetchval(END, sid) is not None:
                await connection.execute(REVOKE, sid)

    async def revocations(self, after: int) -> dict[str, Any]:
        """Return the next revocations after number `after`, and the last number that there is."""
        rows = await self._database.fetch(REVOCATIONS, after)
        found = [{"seq": row["seq"], "sid": row["sid"], "exp": row["exp"]} for row in rows if row["seq"] is not None]
        return {"revocations": found, "last": rows[0]["last"]}

    async def next_revocations(self, after: int, seconds: float, stop: asyncio.Event) -> dict[str, Any]:
        """Return the same once there is one, after so many seconds, or when `stop` is set. `follow` must run."""
        ended = self._ended
        told = await self.revocations(after)
        if told["revocations"] or told["last"] < after or seconds <= 0:
            return told
        waits = [asyncio.create_task(event.wait()) for event in (ended, stop)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return await self.revocations(after)

    async def follow(self, revocations: Revocations) -> None:
        """Tell this process's own verifier, and who waits for the next ones, what was revoked; until cancelled."""
        listening = asyncio.create_task(listen(self._database, self._hear, CHANNEL), name="sessions")
        after = 0
        try:
            while True:
                ended, pause = self._ended, POLL_SECONDS
                try:
                    answer = await self.revocations(after)
                    if revocations.take(answer):
                        pause = 0
                    after = answer["revocations"][-1]["seq"] if answer["revocations"] else answer["last"]
                except (*AWAY, asyncpg.PostgresError) as problem:
                    log.warning("revocations_not_read", error=type(problem).__name__)
                    pause = RETRY_SECONDS
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), pause)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    def _hear(self, *_: str) -> None:
        self._ended.set()
        self._ended = asyncio.Event()

    def _token(self, sid: str, generation: int) -> str:
        mac = hmac.new(self._secret, f"refresh:{sid}:{generation}".encode(), hashlib.sha256).digest()
        return f"{sid}.{generation}.{urlsafe_b64encode(mac).decode().rstrip('=')}"

    def _read(self, token: str) -> tuple[str, int]:
        sid, _, rest = token.partition(".")
        generation = rest.partition(".")[0]
        if not (is_id(sid) and generation.isascii() and generation.isdigit() and len(generation) < 10):
            raise NotSignedIn
        if not hmac.compare_digest(token.encode(), self._token(sid, int(generation)).encode()):
            raise NotSignedIn
        return sid, int(generation)
