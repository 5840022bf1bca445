"""Reads: one statement each. PostgreSQL makes the JSON of each item, which goes out as it is; names are joined here.

Who may see a row is part of its statement: what is somebody else's is not found.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from services.gateway.projections import admin_dashboard, influencer_dashboard, sponsor_dashboard
from shared.eventstore.database import Database
from shared.kernel.record import record
from shared.messaging.token import Seen, format
from shared.web.authentication import Caller
from shared.web.pages import make_cursor, read_cursor


@record
class Listing:
    """A read model as it is read: `item` is the SQL of one item; rows appear once their owner's first message came."""

    name: str
    item: str
    joins: str = ""
    there: str = "t.row->>'state' <> ''"


CAMPAIGNS = Listing(
    "campaign_listing",
    "(CASE WHEN {owner} THEN t.row ELSE t.row - 'own' END) || jsonb_build_object('sponsor_name', s.name)",
    "LEFT JOIN people s ON s.account_id = t.row->>'sponsor_id'",
)
INFLUENCERS = Listing(
    "influencer_directory",
    "t.row || jsonb_build_object('name', s.name, 'bio', s.bio, 'handles', coalesce(s.details, '{{}}'))",
    "LEFT JOIN people s ON s.account_id = t.key",
)
ACCOUNTS = Listing(
    "accounts",
    "t.row || jsonb_build_object('name', s.name)",
    "LEFT JOIN people s ON s.account_id = t.key",
)
_PARTIES = (
    "t.row || jsonb_build_object('sponsor_name', s.name, 'influencer_name', i.name, 'campaign_title', c.row->>'title')",
    "LEFT JOIN people s ON s.account_id = t.row->>'sponsor_id'"
    " LEFT JOIN people i ON i.account_id = t.row->>'influencer_id'"
    " LEFT JOIN campaign_listing c ON c.key = t.row->>'campaign_id'",
)
APPLICATIONS = Listing("applications", *_PARTIES)
AD_REQUESTS = Listing("ad_requests", *_PARTIES)
DEALS = Listing("deals", *_PARTIES)

#: What an index finds is not as expensive as on disks that turn: PostgreSQL would look for rare words in all that is
#: shown.
READS = {"random_page_cost": "1.1"}
ANEW = "SET LOCAL plan_cache_mode = force_custom_plan"

#: What anybody may find: public, active, not suspended, within its dates, of somebody who is there.
OPEN = (
    "t.row->>'state' = 'active' AND t.row->>'visibility' = 'public' AND t.row->>'moderation_status' = 'clear'"
    " AND (SELECT (store_now() AT TIME ZONE 'UTC')::date)"
    " BETWEEN (t.row->>'starts_on')::date AND (t.row->>'ends_on')::date"
    " AND NOT coalesce(s.erased, false)"
)
#: What an influencer is part of, private or not.
INVOLVED = (
    "(EXISTS (SELECT FROM ad_requests x WHERE x.row->>'campaign_id' = t.key AND x.row->>'influencer_id' = {0})"
    " OR EXISTS (SELECT FROM applications x WHERE x.row->>'campaign_id' = t.key AND x.row->>'influencer_id' = {0}))"
)
NICHE = "lower(t.row->>'niche')"
CAMPAIGN_TEXT = "(t.row->>'title') || ' ' || (t.row->>'goals') || ' ' || (t.row->>'description')"
LISTED = "t.row->>'state' = 'active' AND t.row->>'restricted' = 'false'"

DASHBOARDS = {
    "sponsor": sponsor_dashboard,
    "influencer": influencer_dashboard,
    "admin": admin_dashboard,
}


class Where:
    """Conditions with their values, and the order of what they meet: `{0}` in a condition is the first of its values.

    A statement is planned once for all values (SESSION), which is right unless another index serves some of the values.
    """

    def __init__(self, *conditions: str) -> None:
        self.conditions = list(conditions)
        self.values: list[object] = []
        self.order = "t.key DESC"
        self.planned_anew = False

    def add(self, sql: str, *values: object) -> None:
        """Add a condition."""
        first = len(self.values) + 1
        self.values.extend(values)
        self.conditions.append(sql.format(*(f"${first + n}" for n in range(len(values)))))

    def search(self, sql: str, value: object) -> None:
        """Add a condition for whose value a plan is made: what is rare is to be found another way than what is not."""
        self.add(sql, value)
        self.planned_anew = True

    def niche(self, niche: str | None) -> None:
        """Add that a row is of a niche; None adds nothing.

        A range, although of one value, and its order: only the index of niches serves that. PostgreSQL might look for
        a rare niche among all rows otherwise, since most are not rare.
        """
        if niche is not None:
            self.add(f"{NICHE} BETWEEN lower({{0}}) AND lower({{0}})", niche)
            self.order = f"{NICHE} DESC, t.key DESC"

    def between(self, number: str, least: int | None, most: int | None) -> None:
        """Add that a number of the row lies between these, which may be it; None adds nothing."""
        for sign, bound in ((">=", least), ("<=", most)):
            if bound is not None:
                self.add(f"(t.row->>'{number}')::bigint {sign} {{0}}", bound)

    def equal(self, field: str, value: object | None) -> None:
        """Add that a field of the row is this; None adds nothing."""
        if value is not None:
            self.add(f"t.row->>'{field}' = {{0}}", value)


@record
class Found:
    """A body, ready to send, and the Consistency-Token of what its rows have seen."""

    body: bytes
    token: str


def own(where: Where, caller: Caller) -> None:
    """Restrict to what the caller is a party of; admins see all."""
    if caller.role != "admin":
        where.equal(f"{caller.role}_id", caller.account_id)


async def page(
    database: Database, listing: Listing, where: Where, *, limit: int, cursor: str | None, owner: str = "false"
) -> Found:
    """Return one page, newest first. `owner` is a condition on rows that are shown whole."""
    after = read_cursor(cursor, listing.name, (str,))
    if after is not None:
        where.add("t.key < {0}", after[0])
    sql = select(listing, where, owner) + f" LIMIT {limit + 1}"
    rows = await (_planned_anew if where.planned_anew else Database.fetch)(database, sql, *where.values)
    shown = rows[:limit]
    more = make_cursor(listing.name, (shown[-1]["key"],)) if len(rows) > limit else None
    items = ",".join(row["item"] for row in shown)
    return Found(f'{{"items":[{items}],"next_cursor":{json.dumps(more)}}}'.encode(), token(r["seen"] for r in shown))


async def _planned_anew(database: Database, sql: str, *values: object) -> list[asyncpg.Record]:
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute(ANEW)
        return await connection.fetch(sql, *values)


async def one(database: Database, listing: Listing, where: Where, key: str, owner: str = "false") -> Found | None:
    """Return one item, None where there is none that the conditions let the caller see."""
    where.add("t.key = {0}", key)
    row = await database.fetchrow(select(listing, where, owner), *where.values)
    return Found(row["item"].encode(), token([row["seen"]])) if row else None


def select(listing: Listing, where: Where, owner: str = "false") -> str:
    """Return the SQL of a list, without its limit."""
    item = f"({listing.item.format(owner=owner)})::text AS item"
    conditions = " AND ".join((listing.there, *where.conditions))
    return (
        f'SELECT t.key, {item}, t.seen FROM "{listing.name}" t {listing.joins}'
        f" WHERE {conditions} ORDER BY {where.order}"
    )


async def dashboard(database: Database, caller: Caller) -> tuple[int, str, str]:
    """Return version, JSON and token of the caller's figures; an empty row of version 0 where nothing happened yet."""
    name, key = dashboard_row(caller)
    row = await database.fetchrow(DASHBOARD.format(name=name), key, caller.role)
    if row is None:
        empty = msgspec.to_builtins(DASHBOARDS[caller.role].Row())
        return 0, json.dumps({**empty, "role": caller.role, "version": 0}), ""
    return row["version"], row["item"], token([row["seen"]])


DASHBOARD = """
SELECT version, (t.row || jsonb_build_object('role', $2::text, 'version', version))::text AS item, seen
  FROM "{name}" t WHERE key = $1"""


def dashboard_row(caller: Caller) -> tuple[str, str]:
    """Return the read model and key of the caller's dashboard."""
    projection = DASHBOARDS[caller.role]
    return projection.NAME, admin_dashboard.PLATFORM if caller.role == "admin" else caller.account_id


def token(seen: Any) -> str:
    """Return the Consistency-Token of somebody who has seen these rows."""
    entries = []
    for text in seen:
        for source, number in json.loads(text).items():
            service, partition, epoch = source.split(":", 2)
            entries.append(Seen(service, int(partition), epoch, number))
    return format(entries)


def prefixes(text: str) -> str:
    """Return a text search that wants each word of `text`, as the beginning of a word at least."""
    words: Sequence[str] = re.findall(r"\w+", text.lower())[:8]
    return " & ".join(f"'{word}':*" for word in words)
