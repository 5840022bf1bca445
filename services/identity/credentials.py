"""What one signs in with: an e-mail address, known by a keyed digest, and a password, known by its Argon2id hash."""

import asyncio
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from shared.eventstore.append import Overloaded

T = TypeVar("T")

#: Hashing costs about 27 ms of a core: two at a time leave the event loop its share, a longer queue is refused.
THREADS = 2
QUEUE_LIMIT = 64

SHORTEST_PASSWORD = 10  # characters
LONGEST_PASSWORD = 200

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")


def is_email(text: str) -> bool:
    """Tell whether a text looks like an address that mail can be sent to."""
    return _EMAIL.fullmatch(text) is not None


def normal_email(email: str) -> str:
    """Return the one spelling under which an address is compared and kept."""
    return unicodedata.normalize("NFC", email).strip().casefold()


def email_digest(secret: str, email: str) -> str:
    """Return the keyed digest (SHA-256, hex) of an address: tells nothing to whom the secret is not known."""
    return hmac.new(secret.encode(), b"email:" + normal_email(email).encode(), hashlib.sha256).hexdigest()


class Passwords:
    """Argon2id at the OWASP floor (19 MiB, two passes, one lane), in threads of its own."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._waiting = 0
        self._nobodys = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """Return the hash to keep; raises Overloaded where too many wait."""
        return await self._run(lambda: self._hasher.hash(password))

    async def matches(self, hash: str | None, password: str) -> bool:
        """Tell whether the password is right, in the same time where there is no account (None). Raises Overloaded."""
        right = await self._run(lambda: self._verify(hash or self._nobodys, password))
        return right and hash is not None

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except VerificationError:
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= QUEUE_LIMIT:
            raise Overloaded
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1
