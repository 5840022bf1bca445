"""People: what is personal never travels through Kafka. A numbered event names the person and the version; it is
fetched from its owner into one erasable table, joined at read time, and never folded into anything.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from shared.eventstore.database import AnyConnection, Database
from shared.kernel.record import record
from shared.messaging import checkpoint, parking
from shared.messaging.batches import Run, step
from shared.messaging.checkpoint import Place
from shared.messaging.envelope import Item
from shared.messaging.parking import Intake, Parked
from shared.messaging.rows import notifications

FETCHES_AT_ONCE = 8

#: A closed row stays closed, and an older version never replaces a newer one.
STORE = """
INSERT INTO people AS p (account_id, version, name, bio, details)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[]::jsonb[])
ON CONFLICT (account_id) DO UPDATE
SET version = excluded.version, name = excluded.name, bio = excluded.bio, details = excluded.details
WHERE p.version < excluded.version AND NOT p.erased
RETURNING account_id, version"""
ERASE = """
INSERT INTO people AS p (account_id, version, erased) SELECT *, 1, true FROM unnest($1::text[])
ON CONFLICT (account_id) DO UPDATE
SET version = p.version + 1, name = NULL, bio = NULL, details = '{}', erased = true WHERE NOT p.erased
RETURNING account_id, version"""


@record
class Person:
    """What is personal of an account at a version; `details`: for instance a handle on each platform."""

    version: int
    name: str
    bio: str
    details: Mapping[str, str]


#: Asks the owner for a person at that version or a later one; None where the owner knows nobody (any more).
#: Raises whatever it likes: it is asked again, with pauses, without end.
Fetch = Callable[[str, int], Awaitable[Person | None]]


class NotFetched(OSError):
    """The owner did not answer, or not yet with that version."""


def people_ddl(role: str) -> list[str]:
    """Return the statements that make the table, which the serving role `role` may change."""
    return [
        'CREATE TABLE people (account_id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, name text, bio text,'
        " details jsonb NOT NULL DEFAULT '{}', erased boolean NOT NULL DEFAULT false)",
        f'GRANT SELECT, INSERT, UPDATE, DELETE ON people TO "{role}"',
    ]


class People:
    """Keeps the table `people`: a consumer of its own, so that a fetch that waits holds up nothing else."""

    NAME = "people"

    def __init__(
        self,
        database: Database,
        fetch: Fetch,
        changed: type,
        erased: type,
        messages: Mapping[str, type],
        *,
        consumer: str = "people",
    ) -> None:
        """`changed`: the record with account_id and version; `erased`: the one with account_id that closes the row."""
        self.consumer = consumer
        self.LISTENS = (changed, erased)
        self._database = database
        self._fetch = fetch
        self._changed = changed
        self._intake: Intake[People] = Intake([self], messages)
        self._fetches = asyncio.Semaphore(FETCHES_AT_ONCE)

    async def take(self, runs: Sequence[Run]) -> None:
        """Fetch whom the messages name, each once, and store them in one transaction with the checkpoints."""
        held = await parking.chains(self._database, self.consumer)
        versions: dict[str, int] = {}
        erased: set[str] = set()
        parked = []
        for item in (item for run in runs for item in run.items):
            reading = self._intake.read(item, held)
            for unit, error in reading.refused.items():
                held.add((unit, item.topic, item.key))
                parked.append(parking.row(self.consumer, unit, item, error))
            if reading.units:
                self._note(reading.event, versions, erased)
        people = await self._people(versions, erased)
        async with self._database.pool.acquire() as connection, connection.transaction():
            await checkpoint.move(
                connection, [step(self.consumer, run, run.after.number, run.items[-1]) for run in runs]
            )
            if parked:
                await connection.executemany(parking.PARK, parked)
            await self._store(connection, people, erased)
            await connection.execute(checkpoint.TELL, self.consumer)

    async def settle(self) -> None:
        """Nothing is left to note: the checkpoints move with each step."""

    async def replay(self, places: Collection[Place]) -> None:
        """Try again what is parked."""
        await parking.replay(self._database, self.consumer, places, self._retry)

    async def _retry(self, parked: Parked) -> None:
        versions: dict[str, int] = {}
        erased: set[str] = set()
        self._note(self._event(parked.item), versions, erased)
        people = await self._people(versions, erased)
        async with self._database.pool.acquire() as connection, connection.transaction():
            await connection.execute(parking.UNPARK, parked.id)
            await self._store(connection, people, erased)

    def _event(self, item: Item) -> Any:
        reading = self._intake.read(item, ())
        if reading.refused:
            raise ValueError(reading.refused[self.NAME])
        return reading.event

    def _note(self, event: Any, versions: dict[str, int], erased: set[str]) -> None:
        is_change = type(event) is self._changed
        if is_change:
            versions[event.account_id] = max(event.version, versions.get(event.account_id, 0))
        elif event is not None:
            erased.add(event.account_id)

    async def _people(self, versions: Mapping[str, int], erased: Collection[str]) -> dict[str, Person]:
        wanted = [account for account in versions if account not in erased]
        found = await asyncio.gather(*(self._person(account, versions[account]) for account in wanted))
        return {account: person for account, person in zip(wanted, found, strict=True) if person is not None}

    async def _person(self, account: str, version: int) -> Person | None:
        async with self._fetches:
            try:
                person = await self._fetch(account, version)
            except Exception as problem:
                raise NotFetched(f"{account} at version {version}: {type(problem).__name__}") from problem
        if person is not None and person.version < version:
            raise NotFetched(f"{account}: version {person.version} came, {version} is wanted")
        return person

    async def _store(self, connection: AnyConnection, people: Mapping[str, Person], erased: Collection[str]) -> None:
        rows = []
        if people:
            accounts = sorted(people)
            rows += await connection.fetch(
                STORE,
                accounts,
                [people[a].version for a in accounts],
                [people[a].name for a in accounts],
                [people[a].bio for a in accounts],
                [json.dumps(dict(people[a].details)) for a in accounts],
            )
        if erased:
            rows += await connection.fetch(ERASE, sorted(erased))
        texts = notifications(self.NAME, [(r["account_id"], r["version"]) for r in rows])
        await connection.execute("SELECT pg_notify('changed', t) FROM unnest($1::text[]) t", texts)
