"""Reading streams back: a state is the fold of its events, from a snapshot where one fits."""

import hashlib
import inspect
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from types import ModuleType
from typing import Any, Protocol, cast

import msgspec

from shared.eventstore.codec import Codec
from shared.eventstore.database import Database
from shared.kernel.record import record, replace

#: After so many events behind the last snapshot a new one is written.
SNAPSHOT_EVERY = 200

STREAM = """
SELECT (SELECT store_now()) AS now, s.version AS snapshot_version, s.kind,
       CASE WHEN e.version IS NULL OR e.version = s.version + 1 THEN s.state::text END AS state,
       e.version, e.type, e.payload::text AS payload
  FROM (SELECT 1) one
  LEFT JOIN snapshots s ON s.stream = $1 AND s.fingerprint = $2
  LEFT JOIN events e ON e.stream = $1 AND e.version > coalesce(s.version, 0)
 ORDER BY e.version"""

AS_OF = """
SELECT version, type, payload::text AS payload FROM events
 WHERE stream = $1 AND ($2::integer IS NULL OR version <= $2) AND ($3::timestamptz IS NULL OR recorded_at <= $3)
 ORDER BY version"""

SNAPSHOT = """
INSERT INTO snapshots (stream, version, fingerprint, kind, state) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (stream) DO UPDATE
SET version = excluded.version, fingerprint = excluded.fingerprint, kind = excluded.kind, state = excluded.state
WHERE snapshots.version < excluded.version OR snapshots.fingerprint <> excluded.fingerprint"""


class Folding(Protocol):
    """What a domain module and a process module have in common; a module itself is passed."""

    @property
    def INITIAL(self) -> Any: ...

    @property
    def evolve(self) -> Callable[[Any, Any], Any]: ...


class Deciding(Folding, Protocol):
    """A module of `domain/`: commands and state in, events out."""

    @property
    def CATEGORY(self) -> str: ...

    @property
    def EVENTS(self) -> Mapping[str, type]: ...

    @property
    def decide(self) -> Callable[[Any, Any], list[Any]]: ...


@record
class Loaded:
    """A state, the versions of its stream and of its snapshot (0: none), and the database's time when it was read."""

    state: Any
    version: int
    snapshot: int
    now: datetime

    def after(self, state: Any) -> "Loaded":
        """Return what has been loaded after one more event, which has made this state."""
        return Loaded(state, self.version + 1, self.snapshot, self.now)


def fingerprint(module: Folding) -> str:
    """Return a digest of a module's source: a snapshot that another `evolve` has made is not used."""
    return _fingerprint(cast(ModuleType, module))


@cache
def _fingerprint(module: ModuleType) -> str:
    return hashlib.sha256(inspect.getsource(module).encode()).hexdigest()[:16]


async def load(database: Database, codec: Codec, module: Folding, stream: str) -> Loaded:
    """Fold a stream, in one round trip; version 0 and INITIAL where there is none.

    Raises UnknownType or Undecodable before `evolve` could see what it does not know.
    """
    rows = await database.fetch(STREAM, stream, fingerprint(module))
    state, version = module.INITIAL, 0
    if rows[0]["snapshot_version"] is not None:
        kind = getattr(module, rows[0]["kind"])
        state, version = msgspec.json.decode(rows[0]["state"], type=kind), rows[0]["snapshot_version"]
    snapshot = version
    for row in rows:
        if row["version"] is not None:
            state = module.evolve(state, codec.decode(row["type"], row["payload"]))
            version = row["version"]
    return Loaded(state, version, snapshot, rows[0]["now"])


async def save_snapshot(database: Database, module: Folding, stream: str, loaded: Loaded) -> Loaded:
    """Keep a state for faster loading where the last snapshot is far behind it; returns it with that snapshot.

    An older one never replaces a newer one of the same `evolve`.
    """
    state, version = loaded.state, loaded.version
    if version - loaded.snapshot < SNAPSHOT_EVERY:
        return loaded
    kind = type(state).__name__
    if getattr(cast(ModuleType, module), kind, None) is type(state):
        await database.execute(
            SNAPSHOT, stream, version, fingerprint(module), kind, msgspec.json.encode(state).decode()
        )
    return replace(loaded, snapshot=version)


async def as_of(
    database: Database,
    codec: Codec,
    module: Folding,
    stream: str,
    *,
    version: int | None = None,
    time: datetime | None = None,
) -> tuple[Any, int]:
    """Return state and version of a stream as it stood at a version or at a time (of recording, UTC)."""
    state, at = module.INITIAL, 0
    for row in await database.fetch(AS_OF, stream, version, time):
        state, at = module.evolve(state, codec.decode(row["type"], row["payload"])), row["version"]
    return state, at
