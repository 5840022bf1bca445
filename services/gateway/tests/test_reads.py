"""Reads: who sees which rows, filters, pages, refusals, and what an answer says of itself."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.gateway.tests.room import EPOCH, Gateway
from shared.contracts import adrequests as ad
from shared.contracts import campaigns as ca
from shared.contracts import identity, moderation
from shared.contracts import payments as pa
from shared.kernel.ids import new_id
from shared.web.tests.running import problem

NOW = datetime.now(UTC)
TODAY = NOW.date()
SPONSOR, RIVAL, INFLUENCER, STRANGER, ADMIN = (new_id() for _ in range(5))

Told = tuple[str, object, datetime]


def told(key: str, *messages: object) -> list[Told]:
    return [(key, message, NOW) for message in messages]


def campaign(id: str, sponsor: str = SPONSOR, publish: bool = True, **fields: Any) -> list[Told]:
    drafted = replace(
        ca.CampaignDrafted(
            id, sponsor, "Tea time", "Reach", "Three posts", "Food", 500_000, "EUR",
            TODAY - timedelta(days=1), TODAY + timedelta(days=30), "public",
        ),
        **fields,
    )  # fmt: skip
    values = {name: getattr(drafted, name) for name in drafted.__slots__}  # type: ignore[attr-defined]
    published = [ca.CampaignPublished(**values, previous="draft")] if publish else []
    return told(id, drafted, *published)


def accounts() -> Iterable[Told]:
    for id, role, state in (
        (SPONSOR, "sponsor", "active"),
        (RIVAL, "sponsor", "pending_approval"),
        (INFLUENCER, "influencer", "active"),
        (STRANGER, "influencer", "active"),
        (ADMIN, "admin", "active"),
    ):
        yield from told(id, identity.AccountRegistered(id, role, state))


async def ids(gateway: Gateway, path: str, headers: dict[str, str], field: str = "campaign_id") -> list[str]:
    answer = await gateway.get(path, headers)
    return [item[field] for item in answer["items"]]


async def status(gateway: Gateway, path: str, headers: dict[str, str]) -> int:
    async with gateway.client.get(path, headers=headers) as response:
        return response.status


async def test_influencers_browse_only_what_is_open(gateway: Gateway) -> None:
    """S0-13, S0-05: public, active, not suspended, within its dates; a private one is never listed."""
    shown, private, draft, early, late, suspended, done = (new_id() for _ in range(7))
    await gateway.tell(campaign(shown))
    await gateway.tell(campaign(private, visibility="private"))
    await gateway.tell(campaign(draft, publish=False))
    await gateway.tell(campaign(early, starts_on=TODAY + timedelta(days=2)))
    await gateway.tell(campaign(late, starts_on=date(2020, 1, 1), ends_on=TODAY - timedelta(days=1)))
    await gateway.tell(campaign(suspended))
    await gateway.tell(told(suspended, ca.CampaignSuspended(suspended, SPONSOR, "public", "active", "fraud")))
    await gateway.tell(campaign(done))
    await gateway.tell(told(done, ca.CampaignCompleted(done, SPONSOR, "public", "active")))
    influencer = gateway.as_(INFLUENCER, "influencer")
    assert await ids(gateway, "/v1/campaigns", influencer) == [shown]
    for hidden in (private, draft, early, late, suspended, done):
        assert await status(gateway, f"/v1/campaigns/{hidden}", influencer) == 404
    assert "own" not in await gateway.get(f"/v1/campaigns/{shown}", influencer)
    assert "own" not in (await gateway.get("/v1/campaigns", influencer))["items"][0]
    await gateway.tell(told(suspended, ca.CampaignReinstated(suspended, SPONSOR, "public", "active")))
    assert await ids(gateway, "/v1/campaigns", influencer) == [suspended, shown]


async def test_a_sponsor_sees_all_of_ones_own_campaigns_and_no_others(gateway: Gateway) -> None:
    """S0-08: another sponsor's campaign is not found; admins see all (S0-04)."""
    draft, foreign = new_id(), new_id()
    await gateway.tell(campaign(draft, publish=False))
    await gateway.tell(campaign(foreign, RIVAL))
    sponsor = gateway.as_(SPONSOR, "sponsor")
    assert await ids(gateway, "/v1/campaigns", sponsor) == [draft]
    assert await status(gateway, f"/v1/campaigns/{foreign}", sponsor) == 404
    own = await gateway.get(f"/v1/campaigns/{draft}", sponsor)
    assert (own["state"], own["own"]["committed_minor"]) == ("draft", 0)
    assert await ids(gateway, "/v1/campaigns", gateway.as_(ADMIN, "admin")) == [foreign, draft]
    assert await ids(gateway, "/v1/campaigns?state=draft", gateway.as_(ADMIN, "admin")) == [draft]


async def test_a_private_campaign_is_read_by_whom_it_concerns(gateway: Gateway) -> None:
    private, request = new_id(), new_id()
    await gateway.tell(campaign(private, visibility="private"))
    sent = ad.OfferSent(
        request, private, SPONSOR, INFLUENCER, 1, 100, "EUR", "A post", "aa", "influencer", NOW
    )  # fmt: skip
    await gateway.tell(told(request, sent))
    assert await status(gateway, f"/v1/campaigns/{private}", gateway.as_(INFLUENCER, "influencer")) == 200
    assert await status(gateway, f"/v1/campaigns/{private}", gateway.as_(STRANGER, "influencer")) == 404
    assert await ids(gateway, "/v1/campaigns", gateway.as_(INFLUENCER, "influencer")) == []


async def test_campaigns_are_found_by_niche_budget_and_words(gateway: Gateway) -> None:
    tea, cars = new_id(), new_id()
    await gateway.tell(campaign(tea))
    await gateway.tell(campaign(cars, title="Fast cars", niche="motors", budget_minor=900, currency="USD"))
    influencer = gateway.as_(INFLUENCER, "influencer")
    for query, expected in {
        "niche=food": [tea],
        "niche=MOTORS": [cars],
        "min_budget_minor=1000": [tea],
        "max_budget_minor=1000": [cars],
        "min_budget_minor=900&max_budget_minor=500000": [cars, tea],
        "currency=USD": [cars],
        "q=te": [tea],
        "q=posts%20FAST": [cars],
        "q=three%20posts": [cars, tea],
        "q=%27%3B%20--": [],
        "q=boats": [],
    }.items():
        assert await ids(gateway, f"/v1/campaigns?{query}", influencer) == expected, query


async def test_pages_go_backwards_and_end(gateway: Gateway) -> None:
    made = [new_id() for _ in range(5)]
    for id in made:
        await gateway.tell(campaign(id))
    influencer = gateway.as_(INFLUENCER, "influencer")
    found: list[str] = []
    path = "/v1/campaigns?limit=2"
    for _ in range(3):
        page = await gateway.get(path, influencer)
        found += [item["campaign_id"] for item in page["items"]]
        path = f"/v1/campaigns?limit=2&cursor={page['next_cursor']}"
    assert found == made[::-1]
    assert page["next_cursor"] is None


@pytest.mark.parametrize("path", ["campaigns", "applications", "ad-requests", "deals"])
async def test_an_empty_list_is_an_empty_page(gateway: Gateway, path: str) -> None:
    for role in ("sponsor", "influencer", "admin"):
        page = await gateway.get(f"/v1/{path}", gateway.as_(new_id(), role))
        assert page == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("/v1/campaigns?colour=red", "unknown-field", "colour"),
        ("/v1/campaigns?limit=0", "invalid-value", "limit"),
        ("/v1/campaigns?limit=101", "invalid-value", "limit"),
        ("/v1/campaigns?limit=x", "invalid-value", "limit"),
        ("/v1/campaigns?cursor=x", "invalid-value", "cursor"),
        ("/v1/campaigns?currency=EURO", "invalid-value", "currency"),
        ("/v1/campaigns?min_budget_minor=-1", "invalid-value", "min_budget_minor"),
        ("/v1/campaigns?min_budget_minor=NaN", "invalid-value", "min_budget_minor"),
        ("/v1/campaigns?state=asleep", "invalid-value", "state"),
        ("/v1/campaigns?q=", "invalid-value", "q"),
        ("/v1/campaigns/nonsense", "invalid-value", "campaign_id"),
        ("/v1/deals?campaign_id=1", "invalid-value", "campaign_id"),
        ("/v1/dashboards/me?deep=1", "unknown-field", "deep"),
        ("/v1/ad-requests/nonsense", "invalid-value", "ad_request_id"),
    ],
)
async def test_what_is_not_acceptable_is_named(gateway: Gateway, query: str, code: str, field: str) -> None:
    async with gateway.client.get(query, headers=gateway.as_(SPONSOR, "sponsor")) as response:
        assert await problem(response) == (422, code, field)


async def test_lists_of_others_roles_are_closed(gateway: Gateway) -> None:
    for path, role in (("/v1/accounts", "sponsor"), ("/v1/accounts", "influencer"), ("/v1/influencers", "influencer")):
        async with gateway.client.get(path, headers=gateway.as_(new_id(), role)) as response:
            assert await problem(response) == (403, "role-not-allowed", None)


async def test_influencers_are_found_by_reach_and_name_and_the_restricted_are_not(gateway: Gateway) -> None:
    """S0-10: flagged influencers are excluded."""
    await gateway.tell(accounts())
    platforms = (identity.Platform("instagram", 12_000), identity.Platform("youtube", 10))
    await gateway.tell(
        told(INFLUENCER, identity.ProfileChanged(INFLUENCER, "influencer", 2, "food", platforms))
        + told(STRANGER, identity.ProfileChanged(STRANGER, "influencer", 2, "cars", (identity.Platform("x", 5),)))
    )
    await gateway.name(INFLUENCER, "Ines Example", "I cook.")
    sponsor = gateway.as_(SPONSOR, "sponsor")
    for query, expected in {
        "": [STRANGER, INFLUENCER],
        "?niche=FOOD": [INFLUENCER],
        "?platform=youtube": [INFLUENCER],
        "?min_followers=100": [INFLUENCER],
        "?max_followers=100": [STRANGER],
        "?q=ines%20ex": [INFLUENCER],
        "?q=nobody": [],
    }.items():
        assert await ids(gateway, f"/v1/influencers{query}", sponsor, "influencer_id") == expected, query
    shown = await gateway.get(f"/v1/influencers/{INFLUENCER}", sponsor)
    assert (shown["name"], shown["bio"], shown["followers"]) == ("Ines Example", "I cook.", 12_010)
    await gateway.tell(told(INFLUENCER, identity.AccountRestricted(INFLUENCER, "influencer", "active", "spam")))
    assert await ids(gateway, "/v1/influencers", sponsor, "influencer_id") == [STRANGER]
    assert await status(gateway, f"/v1/influencers/{INFLUENCER}", sponsor) == 404
    assert await status(gateway, f"/v1/influencers/{INFLUENCER}", gateway.as_(INFLUENCER, "influencer")) == 200
    assert await status(gateway, f"/v1/influencers/{INFLUENCER}", gateway.as_(ADMIN, "admin")) == 200


async def test_both_sides_and_admins_read_a_deal_and_nobody_else(gateway: Gateway) -> None:
    id, request, deal = new_id(), new_id(), new_id()
    application = new_id()
    who = (request, id, SPONSOR, INFLUENCER)
    await gateway.tell(campaign(id))
    await gateway.tell(told(id, ca.ApplicationSubmitted(application, id, SPONSOR, INFLUENCER, None, None)))
    await gateway.tell(
        told(
            request,
            ad.OfferSent(*who, 1, 100, "EUR", "A post", "aa", "influencer", NOW),
            ad.DealAgreed(deal, *who, 1, 100, "EUR", "A post", "aa", "influencer", NOW, "sent"),
        )
    )
    await gateway.tell(told(deal, pa.FundsHeld(deal, *who, 100, "EUR")))
    await gateway.name(SPONSOR, "Tea Ltd")
    for path, field, key in (
        ("/v1/deals", "deal_id", deal),
        ("/v1/ad-requests", "ad_request_id", request),
        ("/v1/applications", "application_id", application),
    ):
        for account, role, sees in (
            (SPONSOR, "sponsor", True),
            (INFLUENCER, "influencer", True),
            (ADMIN, "admin", True),
            (RIVAL, "sponsor", False),
            (STRANGER, "influencer", False),
        ):
            headers = gateway.as_(account, role)
            assert await ids(gateway, path, headers, field) == ([key] if sees else []), (path, role)
            assert await ids(gateway, f"{path}?campaign_id={new_id()}", headers, field) == []
            if path != "/v1/applications":
                assert await status(gateway, f"{path}/{key}", headers) == (200 if sees else 404)
    shown = await gateway.get(f"/v1/deals/{deal}", gateway.as_(INFLUENCER, "influencer"))
    assert (shown["state"], shown["escrow"]["state"], shown["sponsor_name"], shown["campaign_title"]) == (
        "funding",
        "held",
        "Tea Ltd",
        "Tea time",
    )


async def test_an_object_whose_first_message_has_not_come_is_not_there_yet(gateway: Gateway) -> None:
    deal = new_id()
    await gateway.tell(told(deal, pa.FundsHeld(deal, new_id(), new_id(), SPONSOR, INFLUENCER, 100, "EUR")))
    assert await status(gateway, f"/v1/deals/{deal}", gateway.as_(SPONSOR, "sponsor")) == 404
    assert await ids(gateway, "/v1/deals", gateway.as_(SPONSOR, "sponsor"), "deal_id") == []


async def test_admins_see_who_waits_and_who_is_flagged(gateway: Gateway) -> None:
    await gateway.tell(accounts())
    await gateway.tell(told(STRANGER, moderation.AccountFlagged(new_id(), STRANGER, "influencer", "spam", ADMIN)))
    admin = gateway.as_(ADMIN, "admin")
    assert await ids(gateway, "/v1/accounts?state=pending_approval", admin, "account_id") == [RIVAL]
    assert await ids(gateway, "/v1/accounts?role=influencer", admin, "account_id") == [STRANGER, INFLUENCER]
    assert await ids(gateway, "/v1/accounts?flagged=true", admin, "account_id") == [STRANGER]
    assert len(await ids(gateway, "/v1/accounts?flagged=false", admin, "account_id")) == 4


async def test_each_role_has_its_dashboard_also_before_anything_happened(gateway: Gateway) -> None:
    for role in ("sponsor", "influencer", "admin"):
        empty = await gateway.get("/v1/dashboards/me", gateway.as_(new_id(), role))
        assert (empty["role"], empty["version"]) == (role, 0)
    await gateway.tell(accounts())
    await gateway.tell(told(SPONSOR, pa.WalletToppedUp(new_id(), SPONSOR, 5_000, "EUR", "sandbox")))
    own = await gateway.get("/v1/dashboards/me", gateway.as_(SPONSOR, "sponsor"))
    assert (own["role"], own["version"], own["money"]["EUR"]["wallet_minor"]) == ("sponsor", 2, 5_000)
    platform = await gateway.get("/v1/dashboards/me", gateway.as_(ADMIN, "admin"))
    assert (platform["users"]["sponsor"]["pending_approval"], platform["money"]["EUR"]["wallets_minor"]) == (1, 5_000)


async def test_the_erased_have_no_name_and_their_campaigns_are_not_listed(gateway: Gateway) -> None:
    id = new_id()
    await gateway.tell(campaign(id))
    await gateway.name(SPONSOR, "Tea Ltd")
    influencer = gateway.as_(INFLUENCER, "influencer")
    assert (await gateway.get(f"/v1/campaigns/{id}", influencer))["sponsor_name"] == "Tea Ltd"
    await gateway.database.execute("UPDATE people SET name = NULL, bio = NULL, erased = true")
    assert await ids(gateway, "/v1/campaigns", influencer) == []
    assert (await gateway.get(f"/v1/campaigns/{id}", gateway.as_(ADMIN, "admin")))["sponsor_name"] is None


async def test_an_answer_says_what_it_has_seen_and_a_token_is_waited_for(gateway: Gateway) -> None:
    id = new_id()
    token = await gateway.tell(campaign(id))
    sponsor = gateway.as_(SPONSOR, "sponsor")
    for path in ("/v1/campaigns", f"/v1/campaigns/{id}", "/v1/dashboards/me"):
        async with gateway.client.get(path, headers=sponsor | {"consistency-token": token}) as response:
            assert response.status == 200
            assert token in response.headers["consistency-token"].split(",")
            assert "consistency" not in response.headers


async def test_what_has_not_come_in_time_is_said_to_be_stale(gateway: Gateway) -> None:
    token = await gateway.tell(campaign(new_id()))
    service, partition, epoch, number = token.split(":")
    ahead = f"{service}:{partition}:{epoch}:{int(number) + 1}"
    headers = gateway.as_(SPONSOR, "sponsor") | {"consistency-token": ahead}
    async with gateway.client.get("/v1/campaigns", headers=headers) as response:
        assert response.status == 200
        assert response.headers["consistency"] == "stale"
    headers["consistency-token"] = "nonsense"
    async with gateway.client.get("/v1/campaigns", headers=headers) as response:
        assert await problem(response) == (422, "invalid-value", "Consistency-Token")
    assert epoch == EPOCH


async def test_an_unchanged_answer_is_not_sent_again(gateway: Gateway) -> None:
    await gateway.tell(campaign(new_id()))
    sponsor = gateway.as_(SPONSOR, "sponsor")
    async with gateway.client.get("/v1/campaigns", headers=sponsor) as response:
        etag = response.headers["etag"]
    async with gateway.client.get("/v1/campaigns", headers=sponsor | {"if-none-match": etag}) as response:
        assert response.status == 304
        assert await response.read() == b""
    await gateway.tell(campaign(new_id()))
    async with gateway.client.get("/v1/campaigns", headers=sponsor | {"if-none-match": etag}) as response:
        assert response.status == 200


async def test_problems_and_description_are_open_to_all(gateway: Gateway) -> None:
    problems = await gateway.get("/v1/problems", {})
    assert {"too-many-requests", "unknown-field"} <= {item["code"] for item in problems["items"]}
    document = await gateway.get("/v1/openapi.json", {})
    assert "/v1/deals/{deal_id}" in document["paths"]
    assert not [path for path in document["paths"] if "internal" in path]
