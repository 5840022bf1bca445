"""S0-05, S0-06, D15: flags over HTTP, on moderation's own database."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial

import pytest

from deploy.local.fresh import FreshDatabase
from services.moderation.application import HANDLERS
from services.moderation.domain import flag
from services.moderation.main import DEFINITION
from shared.eventstore.entry import Metadata
from shared.eventstore.handlers import Reply
from shared.eventstore.work import Work
from shared.kernel.ids import new_id
from shared.kernel.record import record
from shared.roles.definition import Runtime
from shared.roles.runtime import open_runtime
from shared.testing.door import Client, Told, served_api, settings_of
from shared.web.tests.running import Identity, served


@record
class Moderation:
    """A running service that knows one campaign, one influencer and one admin."""

    client: Client
    runtime: Runtime
    identity: Identity
    campaign_id: str
    account_id: str
    admin_id: str
    admin: str  # access token

    async def ask(self, path: str, body: object = None, token: str | None = None) -> Told:
        """Send a command, as the admin unless told otherwise."""
        return await self.client.ask("POST", path, body, token=token or self.admin)


async def handle(command: flag.Command, work: Work) -> Reply:
    return await HANDLERS[type(command)](work, command)


@pytest.fixture
async def moderation(service_database: Callable[[str], FreshDatabase]) -> AsyncIterator[Moderation]:
    identity, campaign_id, account_id, admin_id = Identity(), new_id(), new_id(), new_id()
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(served(identity.app()))
        settings = settings_of(service_database("moderation").url, identity_url=address)
        runtime = await stack.enter_async_context(open_runtime(DEFINITION, settings))
        client = await stack.enter_async_context(served_api(DEFINITION, settings))
        for command in (
            flag.NoteCampaign(campaign_id, new_id()),
            flag.NoteAccount(account_id, "influencer"),
            flag.NoteAccount(admin_id, "admin"),
        ):
            await runtime.store.execute(partial(handle, command), Metadata("system:test", new_id()))
        admin = identity.token("admin", sub=admin_id)
        yield Moderation(client, runtime, identity, campaign_id, account_id, admin_id, admin)


@pytest.mark.parametrize("kind", ["campaigns", "accounts"])
async def test_a_subject_is_flagged_and_unflagged_by_an_admin_with_a_reason(moderation: Moderation, kind: str) -> None:
    subject = moderation.campaign_id if kind == "campaigns" else moderation.account_id
    path = f"/v1/{kind}/{subject}"
    for role in ("sponsor", "influencer"):
        told = await moderation.ask(f"{path}/flag", {"reason": "fraud"}, moderation.identity.token(role))
        assert told.refusal == (403, "role-not-allowed", None)
    assert (await moderation.ask(f"{path}/flag")).status == 422
    wrong = await moderation.ask(f"{path}/flag", {"reason": "dislike"})
    assert wrong.refusal == (422, "reason-unknown", "reason")
    assert (await moderation.ask(f"{path}/unflag")).refusal == (409, "not-flagged", None)
    assert (await moderation.ask(f"{path}/flag", {"reason": "fraud"})).json == {"id": subject, "revision": 2}
    assert (await moderation.ask(f"{path}/flag", {"reason": "fraud"})).refusal == (409, "already-flagged", None)
    assert (await moderation.ask(f"{path}/unflag", {"reason": "mistaken"})).json["revision"] == 3
    assert (await moderation.ask(f"{path}/flag", {"reason": "spam"})).json["revision"] == 4
    assert (await moderation.ask(f"{path}/unflag")).json["revision"] == 5
    rows = await moderation.runtime.database.fetch(
        "SELECT metadata ->> 'actor' AS actor, metadata ->> 'reason' AS reason FROM events WHERE number IS NOT NULL"
        " ORDER BY position"
    )
    assert [tuple(row) for row in rows] == [
        (moderation.admin_id, reason) for reason in ("fraud", "mistaken", "spam", "cleared")
    ]


async def test_what_nobody_told_of_cannot_be_flagged(moderation: Moderation) -> None:
    reason = {"reason": "fraud"}
    for path in (f"/v1/campaigns/{new_id()}", f"/v1/campaigns/{moderation.account_id}"):
        assert (await moderation.ask(f"{path}/flag", reason)).refusal == (404, "campaign-unknown", None)
        assert (await moderation.ask(f"{path}/unflag")).refusal == (404, "campaign-unknown", None)
    for path in (f"/v1/accounts/{new_id()}", f"/v1/accounts/{moderation.campaign_id}"):
        assert (await moderation.ask(f"{path}/flag", reason)).refusal == (404, "account-unknown", None)
    told = await moderation.ask(f"/v1/accounts/{moderation.admin_id}/flag", reason)
    assert told.refusal == (403, "admins-are-not-flagged", None)
