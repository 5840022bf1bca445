"""HTTP: reads of the marketplace, from the gateway's own read models. Commands are forwarded: see routes.py."""

import asyncio
import hashlib
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from services.gateway import queries
from services.gateway.hot import Hot
from services.gateway.live import Changes, Stream, events
from services.gateway.queries import Found, Where
from shared.eventstore.database import Database
from shared.kernel.money import MAX_AMOUNT_MINOR
from shared.web.app import SignedIn, state_of
from shared.web.authentication import Authenticator
from shared.web.commands import header_problem
from shared.web.consistency import Consistency
from shared.web.permissions import PUBLIC, SIGNED_IN, Permission
from shared.web.problems import TYPE_BASE, Problem, catalogue
from shared.web.ready import ready_of
from shared.web.values import DEFAULT_PAGE, LONGEST_CURSOR, MAX_PAGE, Currency, Id, Text

ADMIN = frozenset({"admin"})
FINDERS = frozenset({"sponsor", "admin"})

PERMISSIONS = (
    Permission("GET", "/v1/campaigns", SIGNED_IN),
    Permission("GET", "/v1/campaigns/{campaign_id}", SIGNED_IN),
    Permission("GET", "/v1/influencers", FINDERS),
    Permission("GET", "/v1/influencers/{influencer_id}", SIGNED_IN),
    Permission("GET", "/v1/applications", SIGNED_IN),
    Permission("GET", "/v1/ad-requests", SIGNED_IN),
    Permission("GET", "/v1/ad-requests/{ad_request_id}", SIGNED_IN),
    Permission("GET", "/v1/deals", SIGNED_IN),
    Permission("GET", "/v1/deals/{deal_id}", SIGNED_IN),
    Permission("GET", "/v1/accounts", ADMIN),
    Permission("GET", "/v1/dashboards/me", SIGNED_IN),
    Permission("GET", "/v1/dashboards/me/events", SIGNED_IN),
    Permission("GET", "/v1/problems", PUBLIC),
    Permission("GET", "/v1/openapi.json", PUBLIC),
)

router = APIRouter()

Minor = Annotated[int, Field(ge=0, le=MAX_AMOUNT_MINOR)]
Words = Annotated[str, Text(100)]


class Filters(BaseModel):
    """Base of what a list is asked for: nothing unknown. `cursor` is the `next_cursor` of the page before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE
    cursor: Annotated[str | None, Field(max_length=LONGEST_CURSOR)] = None


class CampaignFilters(Filters):
    niche: Words | None = None
    min_budget_minor: Minor | None = None
    max_budget_minor: Minor | None = None
    currency: Currency | None = None
    state: Literal["draft", "active", "completed", "cancelled"] | None = None
    visibility: Literal["public", "private"] | None = None
    q: Words | None = None


class InfluencerFilters(Filters):
    niche: Words | None = None
    platform: Words | None = None
    min_followers: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    max_followers: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    q: Words | None = None


class ApplicationFilters(Filters):
    campaign_id: Id | None = None
    state: Literal["submitted", "withdrawn", "accepted", "rejected"] | None = None


class AdRequestFilters(Filters):
    campaign_id: Id | None = None
    state: Literal["sent", "countered", "accepted", "declined", "withdrawn", "expired"] | None = None
    turn: Literal["sponsor", "influencer"] | None = None


class DealFilters(Filters):
    campaign_id: Id | None = None
    state: (
        Literal["funding", "funded", "submitted", "changes_requested", "approved", "completed", "cancelled"] | None
    ) = None


class AccountFilters(Filters):
    role: Literal["sponsor", "influencer", "admin"] | None = None
    state: Literal["pending_approval", "active", "rejected", "erased"] | None = None
    flagged: bool | None = None
    q: Words | None = None


class Nothing(BaseModel):
    """For reads that take no parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


NoParameters = Annotated[Nothing, Query()]


@router.get("/v1/campaigns")
async def list_campaigns(request: Request, filters: Annotated[CampaignFilters, Query()], caller: SignedIn) -> Response:
    """Influencers browse what is open; sponsors see their own campaigns, admins all."""
    where = Where()
    owner = "true"
    if caller.role == "influencer":
        where.add(queries.OPEN)
        owner = "false"
    else:
        queries.own(where, caller)
    where.equal("state", filters.state)
    where.equal("visibility", filters.visibility)
    where.equal("currency", filters.currency)
    where.niche(filters.niche)
    where.between("budget_minor", filters.min_budget_minor, filters.max_budget_minor)
    if filters.q is not None:
        where.search(
            f"to_tsvector('simple', {queries.CAMPAIGN_TEXT}) @@ to_tsquery('simple', {{0}})",
            queries.prefixes(filters.q),
        )
    return await _page(request, queries.CAMPAIGNS, where, filters, owner)


@router.get("/v1/campaigns/{campaign_id}")
async def read_campaign(request: Request, campaign_id: Id, caller: SignedIn, _: NoParameters) -> Response:
    """Read a campaign: one's own, one that is open, or one that one is asked for or has applied to."""
    where = Where()
    owner = "true"
    if caller.role == "influencer":
        where.add(f"(({queries.OPEN}) OR {queries.INVOLVED})", caller.account_id)
        owner = "false"
    else:
        queries.own(where, caller)
    return await _one(request, queries.CAMPAIGNS, where, campaign_id, owner)


@router.get("/v1/influencers")
async def list_influencers(request: Request, filters: Annotated[InfluencerFilters, Query()]) -> Response:
    """Find influencers; restricted ones are not among them."""
    where = Where(queries.LISTED)
    where.niche(filters.niche)
    if filters.platform is not None:
        platform = orjson.dumps([{"platform": filters.platform.lower()}]).decode()
        where.search("t.row->'platforms' @> {0}::text::jsonb", platform)
    where.between("followers", filters.min_followers, filters.max_followers)
    _named(where, filters.q)
    return await _page(request, queries.INFLUENCERS, where, filters)


@router.get("/v1/influencers/{influencer_id}")
async def read_influencer(request: Request, influencer_id: Id, caller: SignedIn, _: NoParameters) -> Response:
    """Read an influencer's public profile; a restricted one only as oneself or as an admin."""
    where = Where()
    if caller.role != "admin" and caller.account_id != influencer_id:
        where.add(queries.LISTED)
    return await _one(request, queries.INFLUENCERS, where, influencer_id)


@router.get("/v1/applications")
async def list_applications(
    request: Request, filters: Annotated[ApplicationFilters, Query()], caller: SignedIn
) -> Response:
    """Influencers see their own applications, sponsors those to their campaigns, admins all."""
    where = Where()
    queries.own(where, caller)
    where.equal("campaign_id", filters.campaign_id)
    where.equal("state", filters.state)
    return await _page(request, queries.APPLICATIONS, where, filters)


@router.get("/v1/ad-requests")
async def list_ad_requests(
    request: Request, filters: Annotated[AdRequestFilters, Query()], caller: SignedIn
) -> Response:
    """Both sides see their own ad requests, admins all; `turn` is whose answer is waited for."""
    where = Where()
    queries.own(where, caller)
    where.equal("campaign_id", filters.campaign_id)
    where.equal("state", filters.state)
    where.equal("turn", filters.turn)
    return await _page(request, queries.AD_REQUESTS, where, filters)


@router.get("/v1/ad-requests/{ad_request_id}")
async def read_ad_request(request: Request, ad_request_id: Id, caller: SignedIn, _: NoParameters) -> Response:
    """Read an ad request with every version of its terms."""
    where = Where()
    queries.own(where, caller)
    return await _one(request, queries.AD_REQUESTS, where, ad_request_id)


@router.get("/v1/deals")
async def list_deals(request: Request, filters: Annotated[DealFilters, Query()], caller: SignedIn) -> Response:
    """Both sides see their own deals, admins all."""
    where = Where()
    queries.own(where, caller)
    where.equal("campaign_id", filters.campaign_id)
    where.equal("state", filters.state)
    return await _page(request, queries.DEALS, where, filters)


@router.get("/v1/deals/{deal_id}")
async def read_deal(request: Request, deal_id: Id, caller: SignedIn, _: NoParameters) -> Response:
    """Read a deal: its terms, the work, where the money is, and the ratings once they are published."""
    where = Where()
    queries.own(where, caller)
    return await _one(request, queries.DEALS, where, deal_id)


@router.get("/v1/accounts")
async def list_accounts(request: Request, filters: Annotated[AccountFilters, Query()]) -> Response:
    """List accounts: `state=pending_approval` is the queue of registrations."""
    where = Where()
    where.equal("role", filters.role)
    where.equal("state", filters.state)
    if filters.flagged is not None:
        where.add(f"t.row->>'flagged_for' IS {'NOT ' if filters.flagged else ''}NULL")
    _named(where, filters.q)
    return await _page(request, queries.ACCOUNTS, where, filters)


@router.get("/v1/dashboards/me")
async def read_dashboard(request: Request, caller: SignedIn, _: NoParameters) -> Response:
    """Read the figures of one's role: a sponsor's or influencer's own, the platform's for admins."""
    stale = await _wait(request)
    hot: Hot = state_of(request, "hot")
    row = queries.dashboard_row(caller)
    reading, kept = hot.begin(row), None
    try:
        version, item, token = await queries.dashboard(_database(request), caller)
        found = Found(item.encode(), token)
        kept = version, ready_of(request.url.path, _response(found).raw_headers, found.body)
    finally:
        hot.end(row, reading, kept)
    return _answer(request, found, stale)


@router.get("/v1/dashboards/me/events")
async def follow_dashboard(request: Request, caller: SignedIn, _: NoParameters) -> Response:
    """Follow the figures live (server-sent events): the event id is the version, `Last-Event-ID` goes on behind it."""
    changes: Changes = state_of(request, "changes")
    if changes.full(caller.account_id):
        raise Problem("too-many-requests", "Too many streams of this account are open.", headers={"retry-after": "15"})
    last = request.headers.get("last-event-id", "")
    authorization = request.headers.get("authorization")
    authenticator: Authenticator = state_of(request, "authenticator")
    database = _database(request)

    async def read() -> tuple[int, str]:
        version, row, _token = await queries.dashboard(database, caller)
        return version, row

    async def allowed() -> bool:
        try:
            await authenticator.caller(authorization)
        except Problem:
            return False
        return True

    known = int(last) if last.isdecimal() and len(last) < 19 else None
    following = Stream(*queries.dashboard_row(caller), caller.account_id, known, read, allowed)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(events(changes, following), 200, headers, "text/event-stream")


@router.get("/v1/problems")
async def list_problems(request: Request, _: NoParameters) -> Response:
    """List every problem that an answer can be, with its status."""
    told = await state_of(request, "description").problems()
    own = {code: {"status": one.status, "title": one.title} for code, one in catalogue().items()}
    items = [{"type": TYPE_BASE + code, "code": code, **one} for code, one in sorted((told | own).items())]
    return Response(orjson.dumps({"items": items}), 200, {"cache-control": "max-age=60"}, "application/json")


@router.get("/v1/openapi.json")
async def describe(request: Request, _: NoParameters) -> Response:
    """Describe all that can be asked through the gateway (OpenAPI 3.1)."""
    document = await state_of(request, "description").openapi(request.app.openapi())
    return Response(orjson.dumps(document), 200, {"cache-control": "max-age=60"}, "application/json")


def _database(request: Request) -> Database:
    database: Database = state_of(request, "database")
    return database


def _named(where: Where, q: str | None) -> None:
    if q is not None:
        where.search("to_tsvector('simple', coalesce(s.name, '')) @@ to_tsquery('simple', {0})", queries.prefixes(q))


async def _page(
    request: Request, listing: queries.Listing, where: Where, filters: Filters, owner: str = "false"
) -> Response:
    stale = await _wait(request)
    found = await queries.page(
        _database(request), listing, where, limit=filters.limit, cursor=filters.cursor, owner=owner
    )
    return _answer(request, found, stale)


async def _one(request: Request, listing: queries.Listing, where: Where, key: str, owner: str = "false") -> Response:
    stale = await _wait(request)
    found = await queries.one(_database(request), listing, where, key, owner)
    if found is None:
        raise Problem("not-found")
    return _answer(request, found, stale)


async def _wait(request: Request) -> bool:
    """Wait, for a bounded time, for what the caller has seen; tells whether the answer is behind it."""
    token = request.headers.get("consistency-token")
    if not token:
        return False
    consumers: tuple[Consistency, ...] = state_of(request, "consumers")
    try:
        reached = await asyncio.gather(*(consumer.reached(token) for consumer in consumers))
    except ValueError:
        raise header_problem("Consistency-Token", "The Consistency-Token of an earlier answer is expected.") from None
    return not all(reached)


def _answer(request: Request, found: Found, stale: bool) -> Response:
    """Answer what was found, or that the caller has it."""
    response = _response(found)
    if stale:
        response.headers["consistency"] = "stale"
    if request.headers.get("if-none-match") != response.headers["etag"]:
        return response
    kept = {name: value for name, value in response.headers.items() if name not in ("content-length", "content-type")}
    return Response(status_code=304, headers=kept)


def _response(found: Found) -> Response:
    """Return the whole answer. ETags are weak: they tell bytes apart, and are no revision for If-Match."""
    etag = f'W/"{hashlib.blake2b(found.body, digest_size=9).hexdigest()}"'
    headers = {"etag": etag, "cache-control": "private, no-cache", "vary": "authorization"}
    if found.token:
        headers["consistency-token"] = found.token
    return Response(found.body, 200, headers, "application/json")
