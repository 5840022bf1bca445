"""The statements of an append, each over a whole batch: lock, read, write. The tables are in ddl/.

WRITE does all or nothing: it moves the head on where that is still as the caller knows it ($40 to $42), the time is the
store's ($43: give or take), and all else that the batch takes for granted holds ($44 to $55, nothing where it has been
read under the lock). Its snapshot may be older than its lock on the head, but then the head is another one by now:
whoever commits gives it a later `recorded_at`. It returns the store's time, and no row where nothing was written.

WRITE wakes the relay (`committed`), those who wait for a checkpoint (`moved`) and those who fire deadlines (`planned`):
one NOTIFY of each for a batch.
"""

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

WRITE = """
WITH advanced AS (
    UPDATE head SET position = $36, hash = $37, recorded_at = $38, numbers = $39
    WHERE epoch = $40 AND hash = $41 AND recorded_at = $42
      AND ($43::interval IS NULL OR store_now() BETWEEN $38::timestamptz - $43 AND $38 + $43)
      AND NOT EXISTS (SELECT FROM unnest($44::text[], $45::integer[]) AS w (stream, version) WHERE version <> coalesce(
          (SELECT e.version FROM events e WHERE e.stream = w.stream ORDER BY e.version DESC LIMIT 1), 0))
      AND NOT EXISTS (SELECT FROM unnest($46::text[], $47::text[], $48::text[]) AS w (scope, value, owner)
          WHERE owner IS DISTINCT FROM (SELECT c.owner FROM claims c WHERE c.scope = w.scope AND c.value = w.value))
      AND NOT EXISTS (SELECT FROM answers WHERE key = ANY ($49::text[]))
      AND NOT EXISTS (SELECT FROM unnest($50::text[], $51::text[], $52::smallint[], $53::text[], $54::bigint[])
          AS w (consumer, topic, partition, epoch, number) WHERE NOT EXISTS (
              SELECT FROM checkpoints c WHERE (c.consumer, c.topic, c.partition) = (w.consumer, w.topic, w.partition)
              AND c.number = w.number AND c.epoch IN ('', w.epoch)))
      AND NOT EXISTS (SELECT FROM unnest($55::text[]) AS w (id)
          WHERE NOT EXISTS (SELECT FROM deadlines d WHERE d.id = w.id))
    RETURNING store_now() AS now
), added AS (
    INSERT INTO events (position, id, stream, version, type, payload, metadata, recorded_at,
                        partition, number, message_key, message_type, message, hash)
    SELECT new.* FROM advanced, unnest($1::bigint[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::json[],
        $7::json[], $8::timestamptz[], $9::smallint[], $10::bigint[], $11::text[], $12::text[], $13::json[],
        $14::bytea[]) AS new
), held AS (
    INSERT INTO claims (scope, value, owner)
    SELECT new.* FROM advanced, unnest($15::text[], $16::text[], $17::text[]) AS new
    ON CONFLICT (scope, value) DO UPDATE SET owner = excluded.owner
), released AS (
    DELETE FROM claims USING advanced, unnest($18::text[], $19::text[]) AS gone (scope, value)
    WHERE claims.scope = gone.scope AND claims.value = gone.value
), kept AS (
    INSERT INTO answers (key, digest, status, body, token, recorded_at)
    SELECT new.*, $38 FROM advanced, unnest($20::text[], $21::bytea[], $22::smallint[], $23::bytea[],
        $24::text[]) AS new
), moved AS (
    INSERT INTO checkpoints (consumer, topic, partition, epoch, number, next_offset)
    SELECT new.* FROM advanced, unnest($25::text[], $26::text[], $27::smallint[], $28::text[], $29::bigint[],
        $30::bigint[]) AS new
    ON CONFLICT (consumer, topic, partition) DO UPDATE
    SET epoch = excluded.epoch, number = excluded.number, next_offset = excluded.next_offset
), planned AS (
    INSERT INTO deadlines (id, due_at, kind, subject)
    SELECT new.* FROM advanced, unnest($31::text[], $32::timestamptz[], $33::text[], $34::text[]) AS new
    ON CONFLICT (id) DO UPDATE SET due_at = excluded.due_at, kind = excluded.kind, subject = excluded.subject
), cleared AS (
    DELETE FROM deadlines USING advanced WHERE id = ANY ($35::text[])
)
SELECT now,
       CASE WHEN cardinality($1::bigint[]) > 0 THEN pg_notify('committed', '') END,
       CASE WHEN cardinality($25::text[]) > 0 THEN pg_notify('moved', '') END,
       CASE WHEN cardinality($31::text[]) > 0 THEN pg_notify('planned', '') END
FROM advanced"""
