"""Open campaigns of a niche, in the order in which they are listed: nothing else is looked at."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX campaign_listing_niche_shown ON campaign_listing (lower(row->>'niche'), key)"
        " WHERE row->>'state' = 'active' AND row->>'visibility' = 'public' AND row->>'moderation_status' = 'clear'"
    )


def downgrade() -> None:
    op.execute("DROP INDEX campaign_listing_niche_shown")
