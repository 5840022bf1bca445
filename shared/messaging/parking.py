"""Parking: what no retry will mend is put aside with its error, and what follows it with the same key behind it.

Only for the unit (a process, a projection) that cannot take it; everything else flows on. The order of a key is kept:
a unit takes nothing of a key while something of that key is parked for it.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import asyncpg
import msgspec
import structlog
from aiokafka.errors import KafkaError

from shared.eventstore.append import Overloaded, StoreAway
from shared.eventstore.codec import Codec, Undecodable, UnknownType
from shared.eventstore.database import AWAY, Database
from shared.eventstore.execute import Busy, Overtaken
from shared.kernel.record import record
from shared.messaging import metrics
from shared.messaging.checkpoint import Place
from shared.messaging.envelope import Broken, Item, Received

log = structlog.get_logger()

Chain = tuple[str, str, str]  # unit, topic, key: what keeps one order

#: Written so that it means the same on a connection with a codec of its own for json.
PARK = """
INSERT INTO parked (consumer, unit, topic, partition, number, key, type, value, headers, error, parked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::json, $10, now()) ON CONFLICT DO NOTHING"""
UNPARK = "DELETE FROM parked WHERE id = $1"
IS_PARKED = "SELECT true FROM parked WHERE id = $1"
CHAINS = "SELECT DISTINCT unit, topic, key FROM parked WHERE consumer = $1"
WAITING = """
SELECT id, unit, topic, partition, number, key, value, headers::text AS headers FROM parked
 WHERE consumer = $1 ORDER BY topic, partition, unit, number"""
FAILED_AGAIN = "UPDATE parked SET error = $2 WHERE id = $1"

BEHIND = "waits behind another message of its key"


class Unit(Protocol):
    """What process and projection modules have in common."""

    @property
    def NAME(self) -> str: ...

    @property
    def LISTENS(self) -> tuple[type, ...]: ...


U = TypeVar("U", bound=Unit)


@record
class Reading(Generic[U]):
    """One message as the units see it: who would take it, and for whom it is to be parked, with the error."""

    event: Any
    units: tuple[U, ...]
    refused: dict[str, str]


class Intake(Generic[U]):
    """Says of each message which units take it."""

    def __init__(self, units: Sequence[U], messages: Mapping[str, type], ignored: Collection[str] = ()) -> None:
        for unit in units:
            unknown = set(unit.LISTENS) - set(messages.values())
            if unknown:
                raise ValueError(f"{unit.NAME} listens to {sorted(t.__name__ for t in unknown)}, which nobody sends")
        self.units = tuple(units)
        self._codec = Codec(messages)
        self._takers = {name: tuple(u for u in units if kind in u.LISTENS) for name, kind in messages.items()}
        self._takers.update(dict.fromkeys(ignored, ()))

    def concerns(self, item: Item) -> bool:
        """Tell whether anybody listens to a message, or whether it is one that nobody can take."""
        return isinstance(item, Broken) or self._takers.get(item.type) != ()

    def decode(self, item: Received) -> Any:
        """Return what a message says; raises UnknownType, Undecodable."""
        return self._codec.decode(item.type, item.value)

    def read(self, item: Item, held: Collection[Chain]) -> Reading[U]:
        """Decode a message for those who listen to it; `held` are the chains in which something is parked."""
        if isinstance(item, Broken):
            return Reading(None, (), {unit.NAME: item.error for unit in self.units})
        takers = self._takers.get(item.type)
        if takers is None:
            return Reading(None, (), {unit.NAME: f"UnknownType: {item.type}" for unit in self.units})
        if not takers:
            return Reading(None, (), {})
        refused = {u.NAME: BEHIND for u in takers if held and (u.NAME, item.topic, item.key) in held}
        try:
            event = self.decode(item)
        except (UnknownType, Undecodable) as problem:
            return Reading(None, (), {unit.NAME: described(problem) for unit in takers} | refused)
        able = tuple(u for u in takers if u.NAME not in refused) if refused else takers
        return Reading(event, able, refused)


@record
class Parked:
    """A row of the table: a message that `unit` could not take."""

    id: int
    unit: str
    item: Item

    @property
    def chain(self) -> Chain:
        """What is held up by it."""
        return self.unit, self.item.topic, self.item.key


def passing(problem: BaseException) -> bool:
    """Tell whether trying the same again may help: failing I/O and lost races, not failing code or bad values."""
    if isinstance(problem, asyncpg.DataError | asyncpg.IntegrityConstraintViolationError):
        return False
    if isinstance(problem, asyncpg.ProgramLimitExceededError):
        return False
    waits = (Busy, Overloaded, Overtaken, StoreAway, KafkaError, asyncpg.PostgresError, *AWAY)
    return isinstance(problem, waits)


def described(problem: BaseException) -> str:
    """Return what is kept of an error: its type and text, without NUL, at most 2,000 characters."""
    return f"{type(problem).__name__}: {problem}".replace("\0", "�")[:2_000]


def row(consumer: str, unit: str, item: Item, error: str) -> tuple[Any, ...]:
    """Return the arguments of PARK, count it and say so."""
    metrics.PARKED.labels(consumer, unit).inc()
    if error != BEHIND:
        log.error("parked", consumer=consumer, unit=unit, topic=item.topic, partition=item.partition,
                  number=item.number, type=item.type, error=error)  # fmt: skip
    fields = {name: getattr(item, name) for name in type(item).__slots__ if name != "value"}  # type: ignore[union-attr]
    headers = msgspec.json.encode(fields).decode()
    return (
        consumer, unit, item.topic, item.partition, item.number, item.key, item.type, item.value, headers, error,
    )  # fmt: skip


async def chains(database: Database, consumer: str) -> set[Chain]:
    """Return unit, topic and key of all that is parked for a consumer."""
    return {(r["unit"], r["topic"], r["key"]) for r in await database.fetch(CHAINS, consumer)}


async def waiting(database: Database, consumer: str, places: Collection[Place]) -> list[Parked]:
    """Return what is parked on these partitions, in the order of its numbers for each unit."""
    found = []
    for r in await database.fetch(WAITING, consumer):
        if (r["topic"], r["partition"]) in places:
            fields = {**msgspec.json.decode(r["headers"]), "value": r["value"]}
            item = msgspec.convert(fields, Received) if "id" in fields else msgspec.convert(fields, Broken)
            found.append(Parked(r["id"], r["unit"], item))
    return found


async def replay(
    database: Database, consumer: str, places: Collection[Place], attempt: Callable[[Parked], Awaitable[None]]
) -> tuple[int, int]:
    """Try again what is parked, in order; `attempt` takes one message and removes it, in one transaction, or raises.

    Whoever calls this takes nothing else of these partitions meanwhile. What fails keeps all behind it waiting.
    Returns how many were taken and how many still wait.
    """
    held: set[Chain] = set()
    taken = left = 0
    for parked in await waiting(database, consumer, places):
        if parked.chain in held:
            left += 1
            continue
        try:
            await attempt(parked)
            taken += 1
        except Exception as problem:
            if passing(problem):
                raise
            held.add(parked.chain)
            left += 1
            await database.execute(FAILED_AGAIN, parked.id, described(problem))
    if taken or left:
        log.info("replayed", consumer=consumer, taken=taken, left=left)
    return taken, left


async def request_replay(database: Database, consumer: str) -> None:
    """Ask the running consumer to try again what is parked; one that starts does so unasked."""
    await database.execute("SELECT pg_notify('replay', $1)", consumer)
