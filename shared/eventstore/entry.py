"""The entry: everything that one command, message or deadline wants to commit, and what may become of it.

An entry is decided before the append lock is taken; `admit` looks at it under the lock and lets it in whole or not
at all. Nothing reaches PostgreSQL in any other way.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from shared.kernel.record import record


class Metadata(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who did it and what led to it; stored with every event and covered by the hash chain."""

    actor: str  # account id, or "system:<process or deadline>"
    correlation_id: str  # the same for all that follows from one request
    causation_id: str | None = None  # the id of the message or event that led to this
    on_behalf_of: str | None = None  # account id, when staff act for somebody
    reason: str | None = None  # a code, never free text
    traceparent: str | None = None  # W3C Trace Context


@record
class Message:
    """The one public message of an event, as `publishing.py` maps it."""

    type: str  # wire name, for instance payments.FundsHeld.v1
    key: str  # routing id: what has one key has one order
    payload: bytes  # JSON


@record
class NewEvent:
    """An event that is not yet stored: it has no version, position or time before the lock."""

    id: str  # UUIDv7
    stream: str  # <category>-<id>
    type: str  # wire name
    payload: bytes  # JSON, stored byte for byte
    message: Message | None = None


@record
class Claim:
    """A value that one owner at a time may hold (an e-mail's digest, one application per campaign and person)."""

    scope: str
    value: str
    owner: str


@record
class Request:
    """An idempotency key in its scope (caller and route), with a keyed digest of the body."""

    key: str
    digest: bytes


@record
class Answer:
    """What the caller is told, kept for repeats of the same key: status, JSON body, Consistency-Token."""

    status: int
    body: bytes
    token: str = ""


@record
class Move:
    """A consumer's step over messages `after` + 1 … `number` of one partition, by compare-and-set."""

    consumer: str
    topic: str
    partition: int
    epoch: str
    after: int
    number: int
    next_offset: int


@record
class Deadline:
    """Something to do at a time unless it is cleared before: `id` is unique, `kind` names the handler."""

    id: str
    due_at: datetime
    kind: str
    subject: str  # the id that the handler is given


@record
class Write:
    """One statement on the service's own (erasable or lookup) tables; it must not be able to fail."""

    sql: str
    args: tuple[Any, ...]


@record
class Reckoned:
    """What this process believes of the store without asking it: its epoch and its time."""

    epoch: str
    now: datetime


@record
class Entry:
    """All of one unit of work; `expects` names every stream that was read, with the version that was seen (0: none).

    `reckoned` is what it was decided on, where the store was not asked: it conflicts where that was wrong.
    """

    metadata: Metadata
    expects: Mapping[str, int]
    events: tuple[NewEvent, ...] = ()
    claims: tuple[Claim, ...] = ()
    releases: tuple[Claim, ...] = ()
    request: Request | None = None
    answer: Answer | None = None
    moves: tuple[Move, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    cleared: tuple[str, ...] = ()
    fires: str | None = None
    writes: tuple[Write, ...] = ()
    reckoned: Reckoned | None = None


@record
class Committed:
    """The entry is a fact. `answer` carries the token; positions are those of its events, in order."""

    recorded_at: datetime
    positions: tuple[int, ...]
    answer: Answer | None
    epoch: str


@record
class Repeated:
    """The same key and body came before: this is the answer that was given then."""

    answer: Answer


@record
class Mismatched:
    """The same key came before with another body."""


@record
class Conflicted:
    """A stream that was read has moved on, or what was reckoned is wrong: load and decide again."""


@record
class Taken:
    """A claimed value belongs to another owner."""

    claim: Claim


@record
class Outrun:
    """The checkpoint is not where this consumer left it: somebody else has moved it, or the epoch is another."""

    move: Move


@record
class Gone:
    """The deadline that was to be fired has been cleared or fired."""

    deadline: str


Outcome = Committed | Repeated | Mismatched | Conflicted | Taken | Outrun | Gone
