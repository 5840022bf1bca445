"""The event store; people, credentials, sessions, revocations and signing keys."""

from alembic import op

from shared.eventstore.migrate import drop_event_store, event_store, serving_role

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE people (
    account_id text PRIMARY KEY,
    version    integer NOT NULL,
    name       text NOT NULL,
    email      text NOT NULL,
    phone      text NOT NULL,
    bio        text NOT NULL,
    handles    jsonb NOT NULL
);
CREATE TABLE credentials (
    account_id    text PRIMARY KEY,
    email_digest  text NOT NULL UNIQUE,
    password_hash text NOT NULL
);
CREATE TABLE sessions (
    sid        text PRIMARY KEY,
    account_id text NOT NULL REFERENCES credentials (account_id) ON DELETE CASCADE,
    generation integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE TABLE revocations (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sid        text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE TABLE signing_keys (
    kid         text PRIMARY KEY,
    private_pem bytea NOT NULL,
    public_jwk  jsonb NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    retired_at  timestamptz
);
GRANT SELECT, INSERT, UPDATE, DELETE ON people, credentials, sessions, revocations, signing_keys TO {role}
"""


def upgrade() -> None:
    event_store(op)
    for statement in TABLES.format(role=f'"{serving_role(op)}"').split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE people, sessions, credentials, revocations, signing_keys")
    drop_event_store(op)
