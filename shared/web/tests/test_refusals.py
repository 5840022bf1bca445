"""What the framework, a domain, the store or a bug raises, over real HTTP: the documented problem."""

import pytest

from shared.kernel.ids import new_id
from shared.web.problems import Problem, catalogue
from shared.web.tests.conftest import Shop
from shared.web.tests.running import problem, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_addresses_that_are_not_there(shared_shop: Shop) -> None:
    client = shared_shop.client
    assert await problem(await client.get("/v1/nothing")) == (404, "not-found", None)
    assert await problem(await client.get("/v1/orders/")) == (404, "not-found", None)
    assert await problem(await client.get("/docs")) == (404, "not-found", None)
    response = await client.delete("/v1/orders")
    assert await problem(response) == (405, "method-not-allowed", None)
    assert "allow" in response.headers


async def test_ids_pages_and_cursors_in_addresses(shared_shop: Shop) -> None:
    client, headers = shared_shop.client, signed(shared_shop.identity.token()) | {"idempotency-key": "k"}
    for bad in ("x", new_id().upper(), "550e8400-e29b-41d4-a716-446655440000"):
        response = await client.post(f"/v1/orders/{bad}/pay", headers=headers)
        assert await problem(response) == (422, "invalid-value", "order_id")
    for limit in ("0", "101", "x", "1.5", "-1"):
        assert await problem(await client.get("/v1/orders", params={"limit": limit})) == (422, "invalid-value", "limit")
    for cursor in ("x", "é", "", "A" * 501):
        response = await client.get("/v1/orders", params={"cursor": cursor})
        assert await problem(response) == (422, "invalid-value", "cursor")


@pytest.mark.parametrize(
    ("what", "status", "code", "field"),
    [
        ("state", 409, "sold-out", None),
        ("value", 422, "too-dear", "price.amount_minor"),
        ("forbidden", 403, "not-yours", None),
        ("missing", 404, "no-such-thing", None),
        ("busy", 503, "busy", None),
        ("overloaded", 503, "overloaded", None),
        ("away", 503, "unavailable", None),
        ("refused", 503, "unavailable", None),
        ("reused", 422, "idempotency-key-reused", None),
    ],
)
async def test_what_a_handler_raises(shared_shop: Shop, what: str, status: int, code: str, field: str | None) -> None:
    response = await shared_shop.client.get(f"/v1/raise/{what}")
    assert await problem(response) == (status, code, field)
    assert ("retry-after" in response.headers) == (status == 503)


async def test_details_of_a_refusal_are_members(shared_shop: Shop) -> None:
    told = await (await shared_shop.client.get("/v1/raise/state")).json()
    assert (told["left"], told["detail"], told["title"]) == (2, "Only 2 left.", "Sold out")


@pytest.mark.parametrize("what", ["bug", "file", "unknown"])
async def test_a_bug_tells_nothing_of_itself(shared_shop: Shop, what: str, capfd: pytest.CaptureFixture[str]) -> None:
    response = await shared_shop.client.get(f"/v1/raise/{what}")
    assert await problem(response) == (500, "internal-error", None)
    text = await response.text()
    assert "marked" not in text
    assert "Error" not in text
    logged = "".join(capfd.readouterr())
    assert "request_failed" in logged
    assert "marked" not in logged


async def test_the_catalogue_knows_every_problem_and_no_code_twice() -> None:
    known = catalogue()
    assert (known["sold-out"].status, known["sold-out"].title) == (409, "Sold out")
    assert known["body-too-large"].status == 413
    with pytest.raises(KeyError):
        Problem("no-such-code")
