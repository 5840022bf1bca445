"""The statements of an append, each over a whole batch: lock, read, write. The tables are in ddl/.

WRITE wakes the relay (`committed`), those who wait for a checkpoint (`moved`) and those who fire deadlines (`planned`):
one NOTIFY of each for a batch.
"""

LOCK = """
SELECT epoch, position, hash, numbers, greatest(recorded_at, store_now()) AS now FROM head FOR UPDATE"""

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
WITH added AS (
    INSERT INTO events (position, id, stream, version, type, payload, metadata, recorded_at,
                        partition, number, message_key, message_type, message, hash)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::json[], $7::json[],
        $8::timestamptz[], $9::smallint[], $10::bigint[], $11::text[], $12::text[], $13::json[], $14::bytea[])
), held AS (
    INSERT INTO claims (scope, value, owner) SELECT * FROM unnest($15::text[], $16::text[], $17::text[])
    ON CONFLICT (scope, value) DO UPDATE SET owner = excluded.owner
), released AS (
    DELETE FROM claims USING unnest($18::text[], $19::text[]) AS gone (scope, value)
    WHERE claims.scope = gone.scope AND claims.value = gone.value
), kept AS (
    INSERT INTO answers (key, digest, status, body, token, recorded_at)
    SELECT *, $38::timestamptz FROM unnest($20::text[], $21::bytea[], $22::smallint[], $23::bytea[], $24::text[])
), moved AS (
    INSERT INTO checkpoints (consumer, topic, partition, epoch, number, next_offset)
    SELECT * FROM unnest($25::text[], $26::text[], $27::smallint[], $28::text[], $29::bigint[], $30::bigint[])
    ON CONFLICT (consumer, topic, partition) DO UPDATE
    SET epoch = excluded.epoch, number = excluded.number, next_offset = excluded.next_offset
), planned AS (
    INSERT INTO deadlines (id, due_at, kind, subject)
    SELECT * FROM unnest($31::text[], $32::timestamptz[], $33::text[], $34::text[])
    ON CONFLICT (id) DO UPDATE SET due_at = excluded.due_at, kind = excluded.kind, subject = excluded.subject
), cleared AS (
    DELETE FROM deadlines WHERE id = ANY ($35::text[])
), advanced AS (
    UPDATE head SET position = $36, hash = $37, recorded_at = $38, numbers = $39
)
SELECT pg_notify('committed', '') WHERE cardinality($1::bigint[]) > 0
UNION ALL SELECT pg_notify('moved', '') WHERE cardinality($25::text[]) > 0
UNION ALL SELECT pg_notify('planned', '') WHERE cardinality($31::text[]) > 0"""
