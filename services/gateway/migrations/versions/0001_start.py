"""The event store, of which the gateway uses checkpoints, parked messages and the clock; the read models; people."""

from alembic import op

from shared.eventstore.migrate import drop_event_store, event_store, serving_role
from shared.messaging.people import people_ddl
from shared.messaging.rows import projection_ddl

revision = "0001"
down_revision = None

PROJECTIONS = (
    "accounts", "ad_requests", "admin_dashboard", "applications", "campaign_listing", "deals", "influencer_dashboard",
    "influencer_directory", "sponsor_dashboard",
)  # fmt: skip

#: Each list goes backwards through the keys of a filter: keys are UUIDv7, so the newest comes first.
INDEXES = (
    "CREATE INDEX ON campaign_listing ((row->>'sponsor_id'), key)",
    "CREATE INDEX ON campaign_listing (key) WHERE row->>'state' = 'active' AND row->>'visibility' = 'public'"
    " AND row->>'moderation_status' = 'clear'",
    "CREATE INDEX ON campaign_listing (lower(row->>'niche'), key)",
    "CREATE INDEX ON campaign_listing USING gin (to_tsvector('simple',"
    " (row->>'title') || ' ' || (row->>'goals') || ' ' || (row->>'description')))",
    "CREATE INDEX ON ad_requests ((row->>'sponsor_id'), key)",
    "CREATE INDEX ON ad_requests ((row->>'influencer_id'), key)",
    "CREATE INDEX ON ad_requests ((row->>'campaign_id'), key)",
    "CREATE INDEX ON applications ((row->>'sponsor_id'), key)",
    "CREATE INDEX ON applications ((row->>'influencer_id'), key)",
    "CREATE INDEX ON applications ((row->>'campaign_id'), key)",
    "CREATE INDEX ON deals ((row->>'sponsor_id'), key)",
    "CREATE INDEX ON deals ((row->>'influencer_id'), key)",
    "CREATE INDEX ON deals ((row->>'campaign_id'), key)",
    "CREATE INDEX ON influencer_directory (key) WHERE row->>'state' = 'active' AND row->>'restricted' = 'false'",
    "CREATE INDEX ON influencer_directory (lower(row->>'niche'), key)",
    "CREATE INDEX ON influencer_directory USING gin ((row->'platforms') jsonb_path_ops)",
    "CREATE INDEX ON accounts ((row->>'state'), (row->>'role'), key)",
    "CREATE INDEX ON people USING gin (to_tsvector('simple', coalesce(name, '')))",
)


def upgrade() -> None:
    event_store(op)
    role = serving_role(op)
    for name in PROJECTIONS:
        for statement in projection_ddl(name, role):
            op.execute(statement)
    for statement in (*people_ddl(role), *INDEXES):
        op.execute(statement)


def downgrade() -> None:
    op.execute(f"DROP TABLE people, {', '.join(PROJECTIONS)}")
    drop_event_store(op)
