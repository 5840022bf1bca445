"""Many at once: what can happen once happens once, and nobody takes out more than there is."""

import asyncio
from collections import Counter

import pytest

from shared.kernel.ids import new_id
from tests.security.asking import Answer
from tests.security.market import Market

pytestmark = pytest.mark.asyncio(loop_scope="session")

MANY = 50


def counted(answers: list[Answer]) -> dict[tuple[int, str], int]:
    """Return how often each answer was given."""
    return dict(Counter((answer.status, answer.code) for answer in answers))


def events(left: dict[str, list[str]], service: str, kind: str) -> int:
    """Return how many events of a kind are among those that a store has got."""
    return sum(f" {service}.{kind}." in line for line in left.get(service, ()))


async def test_of_fifty_acceptances_one_is_the_deal(market: Market) -> None:
    before = await market.stores.quiet()
    accept = "/v1/ad-requests/{contested}/accept"
    answers = await asyncio.gather(*(market.ask("influencer", "POST", accept, {"version": 1}) for _ in range(MANY)))
    assert counted(answers) == {(200, ""): 1, (409, "ad-request-closed"): MANY - 1}
    await market.stores.quiet()
    left = await market.stores.since(before)
    assert events(left, "adrequests", "DealAgreed") == 1, left
    assert events(left, "payments", "FundsHeld") == 1, left


async def test_of_fifty_withdrawals_as_many_succeed_as_there_is_money_for(market: Market) -> None:
    await market.stores.quiet()
    earnings = (await market.ask("influencer", "GET", "/v1/dashboards/me")).body["earnings"]["EUR"]
    assert earnings["available_minor"] == 450_00, "500.00 less a fee of ten percent"
    withdraw = {"amount_minor": 149_00, "currency": "EUR"}  # three times, and 3.00 are left
    asked = (market.ask("influencer", "POST", "/v1/withdrawals", withdraw) for _ in range(MANY))
    answers = await asyncio.gather(*asked)
    assert counted(answers) == {(201, ""): 3, (409, "insufficient-funds"): MANY - 3}
    await market.stores.quiet()
    earnings = (await market.ask("influencer", "GET", "/v1/dashboards/me")).body["earnings"]["EUR"]
    assert (earnings["available_minor"], earnings["paid_out_minor"]) == (3_00, 3 * 149_00)


async def test_one_key_sent_fifty_times_has_one_effect(market: Market) -> None:
    before = await market.stores.quiet()
    key, body = new_id(), {"amount_minor": 7_00, "currency": "GBP"}
    answers = await asyncio.gather(
        *(market.ask("sponsor", "POST", "/v1/wallet/top-ups", body, key=key) for _ in range(MANY))
    )
    assert counted(answers) == {(201, ""): MANY}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) <= 1
    await market.stores.quiet()
    left = await market.stores.since(before)
    assert events(left, "payments", "WalletToppedUp") == 1, left
    money = (await market.ask("sponsor", "GET", "/v1/dashboards/me")).body["money"]["GBP"]
    assert money["wallet_minor"] == 7_00


async def test_fifty_applications_of_one_person_are_one(market: Market) -> None:
    apply, words = "/v1/campaigns/{foreign}/applications", {"message": "I would love to"}
    answers = await asyncio.gather(*(market.ask("other influencer", "POST", apply, words) for _ in range(MANY)))
    assert counted(answers) == {(201, ""): 1, (409, "applied-before"): MANY - 1}
    await market.stores.quiet()
