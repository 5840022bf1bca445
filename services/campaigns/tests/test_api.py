"""S0-08, S0-13, S0-14, S0-18, S0-05, S0-06, P-01, P-02: campaigns over HTTP, on its own database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from deploy.local.fresh import FreshDatabase
from services.campaigns.application import HANDLERS
from services.campaigns.domain import application, campaign
from services.campaigns.main import DEFINITION
from shared.accounts import standing
from shared.eventstore.entry import Metadata
from shared.kernel.ids import new_id
from shared.kernel.record import record
from shared.roles.definition import Runtime
from shared.roles.runtime import open_runtime
from shared.testing.door import Client, Told, served_api, settings_of
from shared.web.tests.running import Identity, served

TODAY = datetime.now(UTC).date()
BODY: dict[str, Any] = {
    "title": "Spring shoes",
    "goals": "500 sales",
    "description": "Show them\nrunning",
    "niche": "running",
    "budget_minor": 100_000,
    "currency": "EUR",
    "starts_on": (TODAY - timedelta(days=1)).isoformat(),
    "ends_on": (TODAY + timedelta(days=30)).isoformat(),
    "visibility": "public",
}
APPLICATION = {"message": "Marked private words", "price_minor": 5_000, "currency": "EUR"}


@record
class Campaigns:
    """A running service, the way into it beside HTTP, and a person of each role."""

    client: Client
    runtime: Runtime
    identity: Identity
    sponsor_id: str
    sponsor: str  # access tokens
    rival: str
    influencer_id: str
    influencer: str
    admin: str

    async def ask(self, path: str, token: str, body: object = None, **headers: str) -> Told:
        """Send a command."""
        return await self.client.ask("POST", path, body, token=token, **headers)

    async def happen(self, command: Any) -> None:
        """Execute a command of a process."""
        handler = HANDLERS[type(command)]
        await self.runtime.store.execute(lambda work: handler(work, command), Metadata("system:test", new_id()))

    async def draft(self, **changes: Any) -> str:
        """Draft a campaign of the approved sponsor."""
        told = await self.ask("/v1/campaigns", self.sponsor, BODY | changes)
        assert told.status == 201, told
        return f"/v1/campaigns/{told.json['id']}"

    async def published(self, **changes: Any) -> str:
        """Draft and publish one."""
        path = await self.draft(**changes)
        assert (await self.ask(f"{path}/publish", self.sponsor)).status == 200
        return path

    async def position(self) -> int:
        """Return how many events the store has."""
        position: int = await self.runtime.database.fetchval("SELECT position FROM head")
        return position


@pytest.fixture
async def campaigns(service_database: Callable[[str], FreshDatabase]) -> AsyncIterator[Campaigns]:
    identity, sponsor_id, influencer_id = Identity(), new_id(), new_id()
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(served(identity.app()))
        settings = settings_of(service_database("campaigns").url, identity_url=address)
        runtime = await stack.enter_async_context(open_runtime(DEFINITION, settings))
        client = await stack.enter_async_context(served_api(DEFINITION, settings))
        running = Campaigns(
            client,
            runtime,
            identity,
            sponsor_id,
            identity.token("sponsor", sub=sponsor_id),
            identity.token("sponsor"),
            influencer_id,
            identity.token("influencer", sub=influencer_id),
            identity.token("admin"),
        )
        await running.happen(standing.NoteStanding(sponsor_id, "sponsor", "active", None))
        yield running


async def test_a_campaign_is_drafted_edited_published_and_completed(campaigns: Campaigns) -> None:
    path = await campaigns.draft()
    edit = partial(campaigns.client.ask, "PATCH", path, token=campaigns.sponsor)
    assert (await edit({"title": "Summer shoes"}, if_match='"1"')).json["revision"] == 2
    assert (await edit({"title": "Winter shoes"}, if_match='"1"')).code == "revision-moved"
    assert (await edit({})).json["revision"] == 2
    assert (await campaigns.ask(f"{path}/publish", campaigns.sponsor)).json["revision"] == 3
    assert (await edit({"title": "Winter shoes"})).refusal == (409, "campaign-not-draft", None)
    assert (await campaigns.ask(f"{path}/complete", campaigns.sponsor)).status == 200
    assert (await campaigns.ask(f"{path}/complete", campaigns.sponsor)).code == "campaign-not-active"
    assert (await campaigns.ask(f"{path}/cancel", campaigns.sponsor)).code == "campaign-ended"
    rows = await campaigns.runtime.database.fetch("SELECT message_type, message FROM events ORDER BY position OFFSET 1")
    assert [row["message_type"].split(".")[1] for row in rows] == [
        "CampaignDrafted", "CampaignEdited", "CampaignPublished", "CampaignCompleted",
    ]  # fmt: skip
    assert '"title":"Summer shoes"' in rows[2]["message"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"budget_minor": 0}, "budget_minor"),
    ({"budget_minor": -5}, "budget_minor"),
    ({"budget_minor": 10.5}, "budget_minor"),
    ({"budget_minor": 10**12}, "budget_minor"),
    ({"currency": "XXX"}, "currency"),
    ({"niche": "Running!"}, "niche"),
    ({"ends_on": "2020-01-01"}, "ends_on"),
    ({"ends_on": "2026-02-30"}, "ends_on"),
    ({"visibility": "secret"}, "visibility"),
    ({"title": " "}, "title"),
    ({"title": None}, "title"),
    ({"owner": "me"}, "owner"),
]


async def test_a_wrong_value_is_named_in_a_draft_and_in_an_edit(campaigns: Campaigns) -> None:
    path, before = await campaigns.draft(), await campaigns.position()
    for wrong, field in WRONG:
        drafted = await campaigns.ask("/v1/campaigns", campaigns.sponsor, BODY | wrong)
        assert (drafted.status, drafted.json.get("field")) == (422, field), wrong
        edited = await campaigns.client.ask("PATCH", path, wrong, token=campaigns.sponsor)
        assert (edited.status, edited.json.get("field")) == (422, field), wrong
    assert await campaigns.position() == before


async def test_who_may_not(campaigns: Campaigns) -> None:
    path, before = await campaigns.draft(), await campaigns.position()
    for token in (campaigns.influencer, campaigns.admin):
        assert (await campaigns.ask("/v1/campaigns", token, BODY)).refusal == (403, "role-not-allowed", None)
    for verb in ("publish", "complete", "cancel"):
        assert (await campaigns.ask(f"{path}/{verb}", campaigns.influencer)).code == "role-not-allowed"
        assert (await campaigns.ask(f"/v1/campaigns/{new_id()}/{verb}", campaigns.sponsor)).status in (403, 404)
    foreign = await campaigns.client.ask("PATCH", path, {"title": "Mine"}, token=campaigns.rival)
    assert foreign.refusal == (404, "campaign-unknown", None)
    assert (await campaigns.ask(f"{path}/cancel", campaigns.rival)).refusal == (404, "campaign-unknown", None)
    assert (await campaigns.ask(f"{path}/applications", campaigns.sponsor, APPLICATION)).code == "role-not-allowed"
    assert await campaigns.position() == before


async def test_only_an_approved_and_unrestricted_sponsor_publishes(campaigns: Campaigns) -> None:
    path = await campaigns.draft()
    for state, restriction, code in [
        ("pending_approval", None, "sponsor-not-approved"),
        ("rejected", None, "sponsor-not-approved"),
        ("active", "fraud", "account-restricted"),
    ]:
        await campaigns.happen(standing.NoteStanding(campaigns.sponsor_id, "sponsor", state, restriction))
        told = await campaigns.ask(f"{path}/publish", campaigns.sponsor)
        assert told.refusal == (403, code, None)
    assert told.json["reason"] == "fraud"
    for verb, body in (("cancel", None), ("complete", None)):
        assert (await campaigns.ask(f"{path}/{verb}", campaigns.sponsor, body)).code == "account-restricted"
    assert (await campaigns.ask("/v1/campaigns", campaigns.sponsor, BODY)).code == "account-restricted"
    unknown = await campaigns.ask("/v1/campaigns", campaigns.rival, BODY)  # identity has not told of this sponsor yet
    told = await campaigns.ask(f"/v1/campaigns/{unknown.json['id']}/publish", campaigns.rival)
    assert told.code == "sponsor-not-approved"
    await campaigns.happen(standing.NoteStanding(campaigns.sponsor_id, "sponsor", "active", None))
    assert (await campaigns.ask(f"{path}/publish", campaigns.sponsor)).status == 200


async def test_an_influencer_applies_once_with_words_for_the_sponsor_alone(campaigns: Campaigns) -> None:
    path = await campaigns.published()
    told = await campaigns.ask(f"{path}/applications", campaigns.influencer, APPLICATION)
    assert (told.status, told.json["revision"]) == (201, 1)
    again = await campaigns.ask(f"{path}/applications", campaigns.influencer, APPLICATION)
    assert again.refusal == (409, "applied-before", None)
    message = f"/v1/applications/{told.json['id']}/message"
    for token in (campaigns.sponsor, campaigns.influencer):
        read = await campaigns.client.ask("GET", message, token=token)
        assert read.json["message"] == "Marked private words"
    for token in (campaigns.rival, campaigns.identity.token("influencer")):
        assert (await campaigns.client.ask("GET", message, token=token)).refusal == (404, "application-unknown", None)
    assert (await campaigns.client.ask("GET", message, token=campaigns.admin)).code == "role-not-allowed"
    stored = await campaigns.runtime.database.fetch("SELECT e::text FROM events e")
    assert not any("Marked" in row["e"] for row in stored)


async def test_of_many_applications_at_once_one_is_taken(campaigns: Campaigns) -> None:
    path = await campaigns.published()
    body = {"message": "Me"}
    told = await asyncio.gather(*(campaigns.ask(f"{path}/applications", campaigns.influencer, body) for _ in range(10)))
    assert sorted(one.status for one in told) == [201] + [409] * 9
    others = await asyncio.gather(  # N13: n concurrent applications of n people are n
        *(campaigns.ask(f"{path}/applications", campaigns.identity.token("influencer"), body) for _ in range(10))
    )
    assert {one.status for one in others} == {201}
    assert await campaigns.runtime.database.fetchval("SELECT count(*) FROM application_messages") == 11


WRONG_IN_APPLICATION: list[tuple[dict[str, Any], tuple[int, str, str]]] = [
    ({"price_minor": 0}, (422, "invalid-value", "price_minor")),
    ({"price_minor": None}, (422, "invalid-value", "price_minor")),
    ({"currency": None}, (422, "invalid-value", "currency")),
    ({"currency": "USD"}, (422, "currency-not-the-campaigns", "currency")),
    ({"message": ""}, (422, "invalid-value", "message")),
]


async def test_a_wrong_value_is_named_in_an_application(campaigns: Campaigns) -> None:
    path = await campaigns.published()
    for wrong, refusal in WRONG_IN_APPLICATION:
        told = await campaigns.ask(f"{path}/applications", campaigns.influencer, APPLICATION | wrong)
        assert told.refusal == refusal, wrong


async def test_one_applies_only_to_what_is_open(campaigns: Campaigns) -> None:
    async def refusal(path: str) -> tuple[int, str]:
        told = await campaigns.ask(f"{path}/applications", campaigns.influencer, APPLICATION)
        return told.status, told.code

    assert await refusal(f"/v1/campaigns/{new_id()}") == (404, "campaign-unknown")
    assert await refusal(await campaigns.draft()) == (404, "campaign-unknown")
    assert await refusal(await campaigns.published(visibility="private")) == (404, "campaign-unknown")
    later = (TODAY + timedelta(days=2)).isoformat()
    assert await refusal(await campaigns.published(starts_on=later)) == (409, "campaign-not-within-dates")
    path = await campaigns.published()
    await campaigns.happen(campaign.SuspendCampaign(path.rpartition("/")[2], "fraud"))
    assert await refusal(path) == (409, "campaign-suspended")
    await campaigns.happen(campaign.ReinstateCampaign(path.rpartition("/")[2]))
    await campaigns.happen(standing.NoteStanding(campaigns.influencer_id, "influencer", "active", "spam"))
    assert await refusal(path) == (403, "account-restricted")
    await campaigns.happen(standing.NoteStanding(campaigns.influencer_id, "influencer", "active", None))
    await campaigns.happen(standing.NoteStanding(campaigns.sponsor_id, "sponsor", "erased", None))
    assert await refusal(path) == (404, "campaign-unknown")


async def test_an_application_is_withdrawn_rejected_or_accepted_once(campaigns: Campaigns) -> None:
    path = await campaigns.published()

    async def applied() -> tuple[str, str]:
        token = campaigns.identity.token("influencer")
        told = await campaigns.ask(f"{path}/applications", token, {"message": "Me"})
        return f"/v1/applications/{told.json['id']}", token

    one, by = await applied()
    assert (await campaigns.ask(f"{one}/withdraw", campaigns.influencer)).refusal == (404, "application-unknown", None)
    assert (await campaigns.ask(f"{one}/reject", campaigns.rival)).refusal == (404, "application-unknown", None)
    assert (await campaigns.ask(f"{one}/withdraw", by)).status == 200
    assert (await campaigns.ask(f"{one}/withdraw", by)).refusal == (409, "application-answered", None)
    other, by = await applied()
    assert (await campaigns.ask(f"{other}/reject", campaigns.sponsor)).status == 200
    assert (await campaigns.ask(f"{other}/withdraw", by)).refusal == (409, "application-answered", None)
    third, by = await applied()
    await campaigns.happen(application.AcceptApplication(third.rpartition("/")[2]))
    assert (await campaigns.ask(f"{third}/reject", campaigns.sponsor)).refusal == (409, "application-answered", None)


async def test_an_erased_influencers_messages_are_gone_and_none_comes_after(campaigns: Campaigns) -> None:
    path = await campaigns.published()
    told = await campaigns.ask(f"{path}/applications", campaigns.influencer, APPLICATION)
    await campaigns.happen(standing.EraseTexts(campaigns.influencer_id, "influencer"))
    await campaigns.happen(standing.EraseTexts(campaigns.influencer_id, "influencer"))
    message = f"/v1/applications/{told.json['id']}/message"
    assert (await campaigns.client.ask("GET", message, token=campaigns.sponsor)).code == "application-unknown"
    assert await campaigns.runtime.database.fetchval("SELECT count(*) FROM application_messages") == 0
    another = await campaigns.published()
    late = await campaigns.ask(f"{another}/applications", campaigns.influencer, APPLICATION)
    assert late.refusal == (403, "account-erased", None)
