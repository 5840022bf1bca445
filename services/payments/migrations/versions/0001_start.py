"""The event store: payments keeps nothing beside it."""

from alembic import op

from shared.eventstore.migrate import drop_event_store, event_store

revision = "0001"
down_revision = None


def upgrade() -> None:
    event_store(op)


def downgrade() -> None:
    drop_event_store(op)
