"""What is rare among many open campaigns is found by its index: the plans that PostgreSQL makes."""

from collections.abc import Callable

import asyncpg
import pytest

from deploy.local.fresh import FreshDatabase
from services.gateway.queries import CAMPAIGN_TEXT, CAMPAIGNS, OPEN

MANY, RARE = 20_000, 10
FILL = """
INSERT INTO campaign_listing
SELECT uuidv7()::text, jsonb_build_object(
    'state', 'active', 'visibility', 'public', 'moderation_status', 'clear', 'sponsor_id', 's' || n % 50,
    'starts_on', current_date, 'ends_on', current_date + 30, 'goals', 'to be seen', 'description', 'as all are',
    'title', CASE WHEN n % $2 = 0 THEN 'sailing' ELSE 'cooking' END,
    'niche', CASE WHEN n % $2 = 0 THEN 'sailing' ELSE 'food' END
), 1, '{}' FROM generate_series(1, $1) n"""
LIST = f"""
EXPLAIN SELECT t.key FROM {CAMPAIGNS.name} t {CAMPAIGNS.joins}
WHERE {CAMPAIGNS.there} AND {OPEN} AND {{}} ORDER BY t.key DESC LIMIT 21"""


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        (
            f"to_tsvector('simple', {CAMPAIGN_TEXT}) @@ to_tsquery('simple', 'sailing')",
            "campaign_listing_to_tsvector_idx",
        ),
        ("lower(t.row->>'niche') = lower('sailing')", "campaign_listing_niche_shown"),
    ],
)
async def test_what_is_rare_is_found_by_its_index(
    service_database: Callable[[str], FreshDatabase], condition: str, index: str
) -> None:
    connection = await asyncpg.connect(service_database("gateway").owner_url)
    try:
        await connection.execute(FILL, MANY, MANY // RARE)
        await connection.execute("ANALYZE campaign_listing")
        plan = "\n".join(row[0] for row in await connection.fetch(LIST.format(condition)))
        assert index in plan, plan
    finally:
        await connection.close()
