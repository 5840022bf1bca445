"""The event store, and what the two sides write to each other."""

from alembic import op

from shared.eventstore.migrate import drop_event_store, event_store, serving_role

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE private_texts (
    kind          text NOT NULL,
    subject_id    text NOT NULL,
    number        integer NOT NULL,
    author_id     text NOT NULL,
    sponsor_id    text NOT NULL,
    influencer_id text NOT NULL,
    text          text NOT NULL,
    written_at    timestamptz NOT NULL,
    PRIMARY KEY (kind, subject_id, number, author_id)
);
CREATE INDEX private_texts_sponsor ON private_texts (sponsor_id);
CREATE INDEX private_texts_influencer ON private_texts (influencer_id);
GRANT SELECT, INSERT, DELETE ON private_texts TO {role}
"""


def upgrade() -> None:
    event_store(op)
    for statement in TABLES.format(role=f'"{serving_role(op)}"').split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE private_texts")
    drop_event_store(op)
