"""The statements of an append, each over a whole batch: lock, read, write. The tables are in ddl/.

`write` does all or nothing: it waits for the head and moves it on where that is as the caller thinks ($5 to $7), the
time is the store's ($8: give or take, NULL where it does not matter), and all else that the batch takes for granted
holds. Its snapshot may be older than its lock on the head. Whoever commits in between gives the head a later
`recorded_at`, so either it is another one by then, or it was a batch of the caller's own that brought about what the
caller thinks. It returns the store's time, and no row where nothing was written.

A batch seldom has something for every table, and each table costs a statement time to begin with: it is put together of
the parts that the batch has. It wakes the relay (`committed`), those who wait for a checkpoint (`moved`) and those who
fire deadlines (`planned`): one NOTIFY of each for a batch.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import count
from typing import Any

LOCK = """
SELECT epoch, position, hash, recorded_at, numbers, store_now() AS now FROM head FOR UPDATE"""

READ = """
SELECT 'version' AS kind, s AS a, NULL AS b, NULL AS c, coalesce(e.version, 0)::bigint AS n,
       NULL::bytea AS x, NULL::bytea AS y, 0 AS p
  FROM unnest($1::text[]) s LEFT JOIN LATERAL
       (SELECT version FROM events WHERE stream = s ORDER BY version DESC LIMIT 1) e ON true
UNION ALL SELECT 'claim', scope, value, owner, 0, NULL, NULL, 0
  FROM claims JOIN unnest($2::text[], $3::text[]) AS w (scope, value) USING (scope, value)
UNION ALL SELECT 'answer', key, token, NULL, status, digest, body, 0 FROM answers WHERE key = ANY ($4::text[])
UNION ALL SELECT 'checkpoint', consumer, topic, epoch, number, NULL, NULL, partition
  FROM checkpoints JOIN unnest($5::text[], $6::text[], $7::smallint[]) AS w (consumer, topic, partition)
       USING (consumer, topic, partition)
UNION ALL SELECT 'deadline', id, NULL, NULL, 0, NULL, NULL, 0 FROM deadlines WHERE id = ANY ($8::text[])"""

#: What a batch takes for granted: the condition of each kind, over columns that are arrays.
CHECKS = {
    "versions": """NOT EXISTS (SELECT FROM unnest({}::text[], {}::integer[]) AS w (stream, version)
        WHERE least(version, 1) <> (SELECT count(*) FROM events e
          WHERE e.stream = w.stream AND e.version BETWEEN w.version AND w.version + 1))""",  # there, and the last one
    "owners": """NOT EXISTS (SELECT FROM unnest({}::text[], {}::text[], {}::text[]) AS w (scope, value, owner)
        WHERE owner IS DISTINCT FROM (SELECT c.owner FROM claims c WHERE c.scope = w.scope AND c.value = w.value))""",
    "checkpoints": """NOT EXISTS (SELECT FROM unnest({}::text[], {}::text[], {}::smallint[], {}::text[], {}::bigint[])
        AS w (consumer, topic, partition, epoch, number) WHERE NOT EXISTS (
          SELECT FROM checkpoints c WHERE (c.consumer, c.topic, c.partition) = (w.consumer, w.topic, w.partition)
          AND c.number = w.number AND c.epoch IN ('', w.epoch)))""",
    "open": """NOT EXISTS (SELECT FROM unnest({}::text[]) AS w (id)
        WHERE NOT EXISTS (SELECT FROM deadlines d WHERE d.id = w.id))""",
}
#: What it writes: the statement of each table, over columns that are arrays.
WRITES = {
    "events": """INSERT INTO events (position, id, stream, version, type, payload, metadata, recorded_at,
                        partition, number, message_key, message_type, message, hash)
    SELECT new.position, id, stream, version, type, payload, metadata, $3,
           partition, number, message_key, message_type, message, new.hash
      FROM advanced, unnest({}::new_event[]) AS new""",
    "claimed": """INSERT INTO claims (scope, value, owner)
    SELECT new.* FROM advanced, unnest({}::text[], {}::text[], {}::text[]) AS new
    ON CONFLICT (scope, value) DO UPDATE SET owner = excluded.owner""",
    "released": """DELETE FROM claims USING advanced, unnest({}::text[], {}::text[]) AS gone (scope, value)
    WHERE claims.scope = gone.scope AND claims.value = gone.value""",
    "answers": """INSERT INTO answers (key, digest, status, body, token, recorded_at)
    SELECT new.*, $3 FROM advanced, unnest({}::new_answer[]) AS new""",
    "moves": """INSERT INTO checkpoints (consumer, topic, partition, epoch, number, next_offset)
    SELECT new.* FROM advanced, unnest({}::text[], {}::text[], {}::smallint[], {}::text[], {}::bigint[],
        {}::bigint[]) AS new
    ON CONFLICT (consumer, topic, partition) DO UPDATE
    SET epoch = excluded.epoch, number = excluded.number, next_offset = excluded.next_offset""",
    "planned": """INSERT INTO deadlines (id, due_at, kind, subject)
    SELECT new.* FROM advanced, unnest({}::text[], {}::timestamptz[], {}::text[], {}::text[]) AS new
    ON CONFLICT (id) DO UPDATE SET due_at = excluded.due_at, kind = excluded.kind, subject = excluded.subject""",
    "cleared": "DELETE FROM deadlines USING advanced WHERE id = ANY ({}::text[])",
}
WAKES = {"events": "committed", "moves": "moved", "planned": "planned"}
HEAD_ARGUMENTS = 8
#: What `store_now` returns; a call of it costs a statement of its own.
NOW = "clock_timestamp() + ahead_by"

Columns = Mapping[str, list[list[Any]]]


def write(columns: Columns) -> tuple[str, list[Any]]:
    """Return the statement for a batch that has these parts, and its arguments behind those of the head."""
    return _write(tuple(columns)), [column for part in columns.values() for column in part]


@cache
def _write(parts: tuple[str, ...]) -> str:
    number = count(HEAD_ARGUMENTS + 1)
    numbered = {part: _numbered({**CHECKS, **WRITES}[part], number) for part in parts}
    checks = "".join(f"\n      AND {sql}" for part, sql in numbered.items() if part in CHECKS)
    writes = "".join(f", {part} AS (\n    {sql}\n)" for part, sql in numbered.items() if part in WRITES)
    wakes = "".join(f", pg_notify('{channel}', '')" for part, channel in WAKES.items() if part in parts)
    return f"""
WITH locked AS MATERIALIZED (
    SELECT epoch, hash, recorded_at FROM head FOR UPDATE
), advanced AS (
    UPDATE head SET position = $1, hash = $2, recorded_at = $3, numbers = $4 FROM clock, locked
    WHERE locked.epoch = $5 AND locked.hash = $6 AND locked.recorded_at = $7
      AND ($8::interval IS NULL OR {NOW} BETWEEN $3::timestamptz - $8 AND $3 + $8){checks}
    RETURNING {NOW} AS now
){writes}
SELECT now{wakes} FROM advanced"""


def _numbered(sql: str, number: Iterator[int]) -> str:
    return sql.format(*(f"${next(number)}" for _ in range(sql.count("{}"))))
