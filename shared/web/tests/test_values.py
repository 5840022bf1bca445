"""Values that are not acceptable, over real HTTP: the field is named, and nothing comes back of what was sent."""

from typing import Any

import orjson
import pytest

from shared.kernel.ids import new_id
from shared.web.tests import shop
from shared.web.tests.conftest import Shop
from shared.web.tests.running import signed

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_good_order_gets_through(shared_shop: Shop) -> None:
    body = shop.changed(gift=True, size="large", note="two\nlines", things=[new_id()])
    response = await shared_shop.client.post("/v1/orders", json=body, headers=signed(shared_shop.identity.token()))
    assert response.status == 200, await response.text()
    assert (await response.json())["role"] == "sponsor"


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (shop.changed(more=1), "unknown-field", "more"),
        (shop.changed(price={"amount_minor": 1, "currency": "EUR", "more": 1}), "unknown-field", "price.more"),
        ({"name": "Ada"}, "invalid-value", "price"),
        (shop.priced(0), "invalid-value", "price.amount_minor"),
        (shop.priced(-1), "invalid-value", "price.amount_minor"),
        (shop.priced(1.0), "invalid-value", "price.amount_minor"),
        (shop.priced(1.5), "invalid-value", "price.amount_minor"),
        (shop.priced("1"), "invalid-value", "price.amount_minor"),
        (shop.priced(True), "invalid-value", "price.amount_minor"),
        (shop.priced(None), "invalid-value", "price.amount_minor"),
        (shop.priced(10**11 + 1), "invalid-value", "price.amount_minor"),
        (shop.priced(2**64), "invalid-value", "price.amount_minor"),
        (shop.changed(price={"amount_minor": 1, "currency": "XXX"}), "invalid-value", "price.currency"),
        (shop.changed(price={"amount_minor": 1, "currency": "eur"}), "invalid-value", "price.currency"),
        (shop.changed(price=[]), "invalid-value", "price"),
        (shop.changed(name=""), "invalid-value", "name"),
        (shop.changed(name="   "), "invalid-value", "name"),
        (shop.changed(name="x" * 21), "invalid-value", "name"),
        (shop.changed(name="a\0b"), "invalid-value", "name"),
        (shop.changed(name="a\nb"), "invalid-value", "name"),
        (shop.changed(name=7), "invalid-value", "name"),
        (shop.changed(note="a\x07b"), "invalid-value", "note"),
        (shop.changed(gift=1), "invalid-value", "gift"),
        (shop.changed(gift="true"), "invalid-value", "gift"),
        (shop.changed(size="medium"), "invalid-value", "size"),
        (shop.changed(day="2026-02-30"), "invalid-value", "day"),
        (shop.changed(day="20260228"), "invalid-value", "day"),
        (shop.changed(day="2026-W09-6"), "invalid-value", "day"),
        (shop.changed(day="2026-02-28T00:00:00Z"), "invalid-value", "day"),
        (shop.changed(day=20260228), "invalid-value", "day"),
        (shop.changed(things=["x"]), "invalid-value", "things.0"),
        (shop.changed(things="x"), "invalid-value", "things"),
        ([], "invalid-value", "body"),
        (7, "invalid-value", "body"),
    ],
)
async def test_a_value_that_is_not_acceptable(shared_shop: Shop, body: Any, code: str, field: str) -> None:
    raw = (
        orjson.dumps(body)
        if body != shop.priced(2**64)
        else b'{"name":"A","price":{"amount_minor":18446744073709551616}}'
    )
    assert await shared_shop.order(raw) == (422, code, field)


async def test_many_wrong_values_are_all_named_but_not_without_end(shared_shop: Shop) -> None:
    body = orjson.dumps(shop.changed(things=["x"] * 1_000, name=7))
    headers = signed(shared_shop.identity.token()) | {"content-type": "application/json"}
    response = await shared_shop.client.post("/v1/orders", data=body, headers=headers)
    errors = (await response.json())["errors"]
    assert errors[0] == {"field": "name", "detail": "Input should be a valid string."}
    assert len(errors) == 20


async def test_nothing_that_was_sent_comes_back(shared_shop: Shop) -> None:
    marked = "ada@example.org"
    body = shop.changed(
        name=marked * 3, size=marked, day=marked, things=[marked], price={"amount_minor": marked, "currency": marked}
    )
    headers = signed(shared_shop.identity.token())
    response = await shared_shop.client.post("/v1/orders", json=body, headers=headers)
    assert len((await response.json())["errors"]) == 6
    assert marked not in await response.text()
