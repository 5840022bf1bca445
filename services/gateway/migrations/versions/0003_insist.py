"""The function with which a projector's step fails as a whole where somebody else was there."""

from alembic import op

from shared.messaging.at_once import INSIST

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(INSIST)


def downgrade() -> None:
    op.execute("DROP FUNCTION insist")
