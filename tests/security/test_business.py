"""The business refuses what its table says, and nothing has happened."""

from typing import Any

import pytest

from shared.kernel.ids import new_id
from tests.security.business import CASES, Case
from tests.security.market import Market

pytestmark = pytest.mark.asyncio(loop_scope="session")


def filled(market: Market, body: Any) -> Any:
    """Return the body with the market's ids in it."""
    if isinstance(body, dict):
        return {name: filled(market, value) for name, value in body.items()}
    if isinstance(body, str):
        return market.address(body).replace("{influencer's address}", market.people["influencer"].email)
    return body


@pytest.mark.parametrize(
    "case",
    CASES,
    ids=lambda case: f"{case.what}: {case.does.replace('/v1/', '')}",
)
async def test_it_is_refused_and_nothing_has_happened(market: Market, case: Case) -> None:
    method, _, path = case.does.partition(" ")
    async with market.stores.unchanged(case.what):
        answer = await market.ask(case.who, method, path, filled(market, case.body), headers=dict(case.headers))
        answer.assert_refused(case.what, case.status, case.code, case.field)
    assert market.documented[case.code] == case.status


async def test_a_key_belongs_to_the_request_that_it_first_came_with(market: Market) -> None:
    key, body = new_id(), {"amount_minor": 1_00, "currency": "CHF"}
    first = await market.ask("sponsor", "POST", "/v1/wallet/top-ups", body, key=key)
    assert first.status == 201, first.body
    async with market.stores.unchanged("the same key"):
        other = await market.ask("sponsor", "POST", "/v1/wallet/top-ups", {**body, "amount_minor": 2_00}, key=key)
        other.assert_refused("another body", 422, "idempotency-key-reused")
        again = await market.ask("sponsor", "POST", "/v1/wallet/top-ups", body, key=key)
        assert (again.status, again.body) == (201, first.body)
        assert again.headers["idempotency-replayed"] == "true"


async def test_a_refusal_is_repeated_as_it_was(market: Market) -> None:
    key = new_id()
    async with market.stores.unchanged("the same refused command"):
        first = await market.ask("influencer", "POST", "/v1/ad-requests/{sent}/withdraw", {}, key=key)
        again = await market.ask("influencer", "POST", "/v1/ad-requests/{sent}/withdraw", {}, key=key)
        first.assert_refused("the first time", 409, "not-your-offer")
        assert (again.status, again.body) == (first.status, first.body)


async def test_an_edit_names_the_revision_that_it_was_made_on(market: Market) -> None:
    path, body = "/v1/campaigns/{draft}", {"title": "The second title"}
    edited = await market.ask("sponsor", "PATCH", path, body, headers={"if-match": '"1"'})
    assert (edited.status, edited.headers["etag"]) == (200, '"2"'), edited.body
    async with market.stores.unchanged("an edit on the first revision"):
        late = await market.ask("sponsor", "PATCH", path, {"title": "The third"}, headers={"if-match": '"1"'})
        late.assert_refused("an edit on the first revision", 409, "revision-moved")
