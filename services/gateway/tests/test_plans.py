"""The plans that PostgreSQL makes: by an index for what is rare, and once for all values that take the same way."""

from collections.abc import Callable

import asyncpg
import pytest

from deploy.local.fresh import FreshDatabase
from services.gateway.queries import CAMPAIGN_TEXT, CAMPAIGNS, OPEN, READS, Where, page, prefixes, select
from shared.eventstore.database import SESSION, Database

MANY, RARE = 20_000, 10
FILL = """
INSERT INTO campaign_listing
SELECT uuidv7()::text, jsonb_build_object(
    'state', 'active', 'visibility', 'public', 'moderation_status', 'clear', 'sponsor_id', 's' || n % 50,
    'starts_on', current_date, 'ends_on', current_date + 30, 'goals', 'to be seen', 'description', 'as all are',
    'title', CASE WHEN n % $2 = 0 THEN 'sailing' ELSE 'cooking' END,
    'niche', CASE WHEN n % $2 = 0 THEN 'sailing' ELSE 'food' END
), 1, '{}' FROM generate_series(1, $1) n"""
SEARCH = f"to_tsvector('simple', {CAMPAIGN_TEXT}) @@ to_tsquery('simple', {{0}})"
PLANS = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE strpos(statement, $1) > 0"


def of_niche(niche: str) -> Where:
    where = Where(OPEN)
    where.niche(niche)
    return where


def of_size(least: int) -> Where:
    where = Where(OPEN)
    where.between("budget_minor", least, 1_000)
    return where


def with_word(word: str) -> Where:
    where = Where(OPEN)
    where.search(SEARCH, prefixes(word))
    return where


@pytest.mark.parametrize(
    ("where", "index"),
    [(of_niche("sailing"), "campaign_listing_niche_shown"), (with_word("sailing"), "campaign_listing_to_tsvector_idx")],
)
async def test_what_is_rare_is_found_by_its_index(
    service_database: Callable[[str], FreshDatabase], where: Where, index: str
) -> None:
    """Also where most niches are common, as here: one of two."""
    connection = await asyncpg.connect(service_database("gateway").owner_url, server_settings={**SESSION, **READS})
    try:
        await connection.execute(FILL, MANY, MANY // RARE)
        await connection.execute("ANALYZE campaign_listing")
        if where.planned_anew:
            await connection.execute("SET plan_cache_mode = force_custom_plan")
        await connection.execute(f"PREPARE listing (text) AS {select(CAMPAIGNS, where)} LIMIT 21")
        asked = (
            f"EXPLAIN EXECUTE listing ({await connection.fetchval('SELECT quote_literal($1::text)', where.values[0])})"
        )
        plan = "\n".join(row[0] for row in await connection.fetch(asked))
        assert index in plan, plan
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("where", "planned"),
    [(of_niche, (3, 0)), (lambda text: of_size(len(text)), (3, 0)), (with_word, (0, 3))],
)
async def test_a_page_is_planned_once_and_a_search_for_what_it_looks_for(
    service_database: Callable[[str], FreshDatabase], where: Callable[[str], Where], planned: tuple[int, int]
) -> None:
    database = await Database.open(service_database("gateway").url, size=1, session=READS)
    try:
        for text in ("food", "sailing", "music"):
            await page(database, CAMPAIGNS, where(text), limit=20, cursor=None)
        counted = await database.fetchrow(PLANS, select(CAMPAIGNS, where("")))
        assert counted is not None
        assert tuple(counted) == planned
    finally:
        await database.close()
