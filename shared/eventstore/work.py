"""A unit of work: what a handler has read, decided and wants to write, gathered into one entry."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self

import msgspec

from shared.eventstore import metrics
from shared.eventstore.codec import Codec
from shared.eventstore.database import Database
from shared.eventstore.entry import (
    Answer,
    Claim,
    Deadline,
    Entry,
    Message,
    Metadata,
    NewEvent,
    Reckoned,
    Write,
)
from shared.eventstore.read import Deciding, Folding, Loaded, load
from shared.eventstore.refusals import MESSAGE_LIMIT, RevisionMoved, TooLarge
from shared.eventstore.states import States
from shared.kernel.ids import new_id
from shared.kernel.record import record
from shared.kernel.rejected import Rejected

#: A command with this time is given the database's when it is decided.
UNSTAMPED = datetime.min.replace(tzinfo=UTC)

Publish = Callable[[Any], tuple[Any, str] | None]


@record
class Reader:
    """What a unit of work reads and encodes with: the database, what is remembered, the codecs, `publish`."""

    database: Database
    states: States
    events: Codec
    messages: Codec
    publish: Publish


class Work:
    """One try at a command. It is thrown away and made anew when a stream that it read has moved on."""

    def __init__(self, reader: Reader, metadata: Metadata, reckoned: Reckoned | None) -> None:
        """`reckoned`: what to rely on instead of reading what is remembered; the append makes sure of it."""
        self._reader = reader
        self.metadata = metadata
        self.reckoned = reckoned
        self.now = reckoned.now if reckoned else UNSTAMPED  # of the database, UTC
        self.modules: dict[str, Folding] = {}  # of each stream that was read
        self._read: dict[str, Loaded] = {}
        self._expects: dict[str, int] = {}
        self._events: list[NewEvent] = []
        self._claims: list[Claim] = []
        self._releases: list[Claim] = []
        self._refusals: dict[Claim, Rejected] = {}
        self._writes: list[Write] = []
        self._deadlines: dict[str, Deadline | None] = {}

    @classmethod
    async def begin(
        cls, reader: Reader, metadata: Metadata, primary: tuple[Deciding, str] | None, reckoned: Reckoned | None
    ) -> Self:
        """Begin a try: the time is the reckoned one, or comes with the first stream that is read, in one round trip."""
        work = cls(reader, metadata, reckoned)
        if reckoned is None and primary is not None:
            await work.load(*primary)
        elif reckoned is None:
            work.now = await reader.database.fetchval("SELECT store_now()")
        return work

    async def load(self, module: Deciding, id: str) -> Any:
        """Return the state of an object; its version is expected to stand until the commit."""
        return (await self._load(module, f"{module.CATEGORY}-{id}", self._reader.events)).state

    async def decide(self, module: Deciding, id: str, command: Any) -> list[Any]:
        """Load, decide, and keep the events for the commit; raises what `decide` raises."""
        state = await self.load(module, id)
        events = module.decide(self._stamped(command), state)
        stream = f"{module.CATEGORY}-{id}"
        for event in events:
            self._keep(stream, *self._reader.events.encode(event), event)
            read = self._read[stream]
            self._read[stream] = replace(read, state=module.evolve(read.state, event), version=read.version + 1)
        return events

    def post(self, module: Deciding, id: str, command: Any) -> None:
        """Decide on INITIAL and append without reading: for streams that guard nothing and that many write."""
        for event in module.decide(self._stamped(command), module.INITIAL):
            self._keep(f"{module.CATEGORY}-{id}", *self._reader.events.encode(event), event)

    async def take(self, process: Any, key: str, type: str, payload: bytes, message: Any) -> Any:
        """Append another service's message to a process's stream, and return the process's state after it."""
        stream = f"{process.NAME}-{key}"
        read = await self.attend(process, key)
        self._keep(stream, type, payload, None)
        self._read[stream] = replace(read, state=process.evolve(read.state, message), version=read.version + 1)
        return self._read[stream].state

    async def attend(self, process: Any, key: str) -> Loaded:
        """Read a process's stream, which from here on is expected to stand until the commit."""
        return await self._load(process, f"{process.NAME}-{key}", self._reader.messages)

    def proven(self) -> list[tuple[Folding, str, Loaded]]:
        """Return what has been read, as it stands once this is committed: module, stream, state."""
        return [(self.modules[stream], stream, loaded) for stream, loaded in self._read.items()]

    def revision(self, module: Deciding, id: str) -> int:
        """Return the version that an object loaded here will have after the commit."""
        return self._read[f"{module.CATEGORY}-{id}"].version

    async def expect_revision(self, module: Deciding, id: str, revision: int) -> None:
        """Refuse with RevisionMoved unless the object is at `revision`; before any decision on it."""
        await self.load(module, id)
        if self.revision(module, id) != revision:
            raise RevisionMoved(revision=self.revision(module, id))

    def claim(self, scope: str, value: str, owner: str, refusal: Rejected) -> None:
        """Take a value that one owner may hold; `refusal` is the answer where another one has it."""
        claim = Claim(scope, value, owner)
        self._claims.append(claim)
        self._refusals[claim] = refusal

    def release(self, scope: str, value: str, owner: str) -> None:
        """Give a claimed value back; nothing happens where it is somebody else's."""
        self._releases.append(Claim(scope, value, owner))

    def write(self, sql: str, *args: Any) -> None:
        """Run a statement on the service's own tables in the same transaction; it must not be able to fail."""
        self._writes.append(Write(sql, args))

    def set_deadline(self, id: str, due_at: datetime, kind: str, subject: str) -> None:
        """Have the handler of `kind` called with `subject` at `due_at`, unless the deadline is cleared before."""
        self._deadlines[id] = Deadline(id, due_at, kind, subject)

    def clear_deadline(self, id: str) -> None:
        """Forget a deadline; nothing happens where there is none."""
        self._deadlines[id] = None

    def refusal_of(self, claim: Claim) -> Rejected:
        """Return what to answer when `claim` is taken."""
        return self._refusals[claim]

    def entry(self, asked: Entry, answer: Answer) -> Entry:
        """Return all of this as one entry; `asked` has what it is to bear of its request, its moves, its deadline."""
        return msgspec.structs.replace(
            asked,
            expects=self._expects,
            events=tuple(self._events),
            claims=tuple(self._claims),
            releases=tuple(self._releases),
            answer=answer,
            deadlines=tuple(d for d in self._deadlines.values() if d is not None),
            cleared=tuple(key for key, d in self._deadlines.items() if d is None),
            writes=tuple(self._writes),
            reckoned=self.reckoned,
        )

    def refused(self, asked: Entry, answer: Answer) -> Entry:
        """Return the entry of a refusal: it has read the same, and writes its answer alone; nothing was decided."""
        self._read = {stream: read for stream, read in self._read.items() if read.version == self._expects[stream]}
        return msgspec.structs.replace(asked, expects=self._expects, answer=answer, reckoned=self.reckoned)

    async def _load(self, module: Folding, stream: str, codec: Codec) -> Loaded:
        if stream not in self._read:
            loaded = self.reckoned and self._reader.states.get(self.reckoned.epoch, module, stream)
            (metrics.REMEMBERED if loaded else metrics.READ).inc()
            loaded = loaded or await load(self._reader.database, codec, module, stream)
            if self.now is UNSTAMPED:
                self.now = loaded.now
            self.modules[stream], self._read[stream] = module, loaded
            self._expects[stream] = loaded.version
        return self._read[stream]

    def _stamped(self, command: Any) -> Any:
        return replace(command, at=self.now) if getattr(command, "at", None) is UNSTAMPED else command

    def _keep(self, stream: str, type: str, payload: bytes, event: Any) -> None:
        message = None
        if event is not None and (public := self._reader.publish(event)) is not None:
            name, body = self._reader.messages.encode(public[0])
            message = Message(name, public[1], body)
        if max(len(payload), len(message.payload) if message else 0) > MESSAGE_LIMIT:
            raise TooLarge(limit=MESSAGE_LIMIT)
        self._events.append(NewEvent(new_id(), stream, type, payload, message))
