-- The event store of one service: what is appended, what guards it, and where its readers stand.
-- {role} is the serving role of the service: it may INSERT and SELECT events, never UPDATE or DELETE them.

CREATE TABLE clock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    ahead_by interval NOT NULL DEFAULT '0'          -- only tests move it
);
INSERT INTO clock DEFAULT VALUES;

CREATE FUNCTION store_now() RETURNS timestamptz LANGUAGE sql VOLATILE
    RETURN (SELECT clock_timestamp() + ahead_by FROM clock);

CREATE TABLE head (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch       text NOT NULL,                      -- a restore or a lossy failover begins a new one
    position    bigint NOT NULL DEFAULT 0,          -- of the last event
    hash        bytea NOT NULL DEFAULT '\x0000000000000000000000000000000000000000000000000000000000000000',
    recorded_at timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    numbers     bigint[] NOT NULL                   -- numbers[p + 1]: last number given on partition p
);
INSERT INTO head (epoch, numbers) VALUES (uuidv7()::text, array_fill(0::bigint, ARRAY[{partitions}]));

CREATE TABLE events (
    position    bigint PRIMARY KEY,                 -- dense: 1, 2, 3, ...
    id          text NOT NULL,
    stream      text NOT NULL,
    version     integer NOT NULL,                   -- dense in its stream
    type        text NOT NULL,
    payload     json NOT NULL,                      -- json, not jsonb: the chain runs over these bytes
    metadata    json NOT NULL,
    recorded_at timestamptz NOT NULL,
    hash        bytea NOT NULL,
    partition   smallint,                           -- the last five: its public message, where it has one
    number      bigint,                             -- dense on its partition
    message_key text,
    message_type text,
    message     json,
    UNIQUE (stream, version),
    CHECK ((number IS NULL) = (message IS NULL))
);
CREATE UNIQUE INDEX events_number ON events (partition, number) WHERE number IS NOT NULL;
-- Read by key alone, and growing: an ANALYZE with ten times these statistics took a core for 0.2 s from who appends.
ALTER TABLE events
    ALTER position SET STATISTICS 10, ALTER id SET STATISTICS 10, ALTER stream SET STATISTICS 10,
    ALTER version SET STATISTICS 10, ALTER type SET STATISTICS 10, ALTER payload SET STATISTICS 10,
    ALTER metadata SET STATISTICS 10, ALTER recorded_at SET STATISTICS 10, ALTER hash SET STATISTICS 10,
    ALTER partition SET STATISTICS 10, ALTER number SET STATISTICS 10, ALTER message_key SET STATISTICS 10,
    ALTER message_type SET STATISTICS 10, ALTER message SET STATISTICS 10;

CREATE TYPE new_event AS (                          -- as it is sent to be written: its time comes with the batch
    position bigint, id text, stream text, version integer, type text, payload json, metadata json,
    partition smallint, number bigint, message_key text, message_type text, message json, hash bytea
);

CREATE TABLE snapshots (
    stream      text PRIMARY KEY,
    version     integer NOT NULL,
    fingerprint text NOT NULL,                      -- of the evolve that made it; another one ignores it
    kind        text NOT NULL,
    state       json NOT NULL
);

CREATE TABLE claims (
    scope text NOT NULL,
    value text NOT NULL,
    owner text NOT NULL,
    PRIMARY KEY (scope, value)
);

CREATE TABLE answers (
    key         text PRIMARY KEY,
    digest      bytea NOT NULL,
    status      smallint NOT NULL,
    body        bytea NOT NULL,
    token       text NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX answers_age ON answers (recorded_at);
ALTER TABLE answers
    ALTER key SET STATISTICS 10, ALTER digest SET STATISTICS 10, ALTER status SET STATISTICS 10,
    ALTER body SET STATISTICS 10, ALTER token SET STATISTICS 10, ALTER recorded_at SET STATISTICS 10;
CREATE TYPE new_answer AS (key text, digest bytea, status smallint, body bytea, token text);

CREATE TABLE checkpoints (
    consumer    text NOT NULL,
    topic       text NOT NULL,
    partition   smallint NOT NULL,
    epoch       text NOT NULL,                      -- '' until the first message
    number      bigint NOT NULL DEFAULT 0,          -- last number applied
    next_offset bigint NOT NULL DEFAULT 0,          -- where to read on; a hint
    PRIMARY KEY (consumer, topic, partition)
);

CREATE TABLE epochs (                               -- a restored store began them: see shared/messaging/turns.py
    topic   text NOT NULL,
    epoch   text NOT NULL,
    numbers bigint[] NOT NULL,                      -- on partition p it goes on behind numbers[p + 1]
    PRIMARY KEY (topic, epoch)
);

CREATE TABLE deadlines (
    id      text PRIMARY KEY,
    due_at  timestamptz NOT NULL,
    kind    text NOT NULL,
    subject text NOT NULL
);
CREATE INDEX deadlines_due ON deadlines (due_at);

CREATE TABLE parked (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer  text NOT NULL,
    unit      text NOT NULL,                        -- the process or projection that could not take it
    topic     text NOT NULL,
    partition smallint NOT NULL,
    number    bigint NOT NULL,
    key       text NOT NULL,
    type      text NOT NULL,
    value     bytea NOT NULL,
    headers   json NOT NULL,
    error     text NOT NULL,
    parked_at timestamptz NOT NULL,
    UNIQUE (consumer, unit, topic, partition, number)
);
CREATE INDEX parked_key ON parked (consumer, unit, topic, key);

CREATE TABLE republishes (                          -- asked of the relay by an operator
    partition   smallint PRIMARY KEY,
    from_number bigint NOT NULL
);

GRANT SELECT ON clock TO {role};
GRANT SELECT, UPDATE ON head TO {role};
GRANT SELECT, INSERT ON events, epochs TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON snapshots, claims, answers, checkpoints, deadlines, parked, republishes TO {role};
