"""The event store, and the messages of applications."""

from alembic import op

from shared.eventstore.migrate import drop_event_store, event_store, serving_role

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE application_messages (
    application_id text PRIMARY KEY,
    sponsor_id     text NOT NULL,
    influencer_id  text NOT NULL,
    message        text NOT NULL,
    written_at     timestamptz NOT NULL
);
CREATE INDEX application_messages_influencer ON application_messages (influencer_id);
GRANT SELECT, INSERT, DELETE ON application_messages TO {role}
"""


def upgrade() -> None:
    event_store(op)
    for statement in TABLES.format(role=f'"{serving_role(op)}"').split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE application_messages")
    drop_event_store(op)
