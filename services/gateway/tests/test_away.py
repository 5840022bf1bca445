"""A service that is away, and callers who ask too often."""

from collections.abc import Callable

from deploy.local.fresh import FreshDatabase
from services.gateway.rates import Rates
from services.gateway.tests.room import opened
from shared.kernel.ids import new_id
from shared.testing.door import free_port
from shared.web.tests.running import problem


async def test_a_service_that_is_away_is_said_to_be_unavailable(
    service_database: Callable[[str], FreshDatabase],
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    async with opened(service_database("gateway"), campaigns_url=nobody) as gateway:
        headers = gateway.as_(new_id(), "sponsor")
        for _ in range(3):
            async with gateway.client.post("/v1/campaigns", json={}, headers=headers) as response:
                assert (await problem(response))[:2] == (503, "unavailable")
                assert int(response.headers["retry-after"]) > 0
        async with gateway.client.get("/v1/campaigns", headers=headers) as response:
            assert response.status == 200  # reads go on


async def test_who_asks_too_often_waits_and_nobody_else_does(
    service_database: Callable[[str], FreshDatabase],
) -> None:
    limits = {"rate_limit_per_second": 0.001, "rate_limit_burst": 5}
    async with opened(service_database("gateway"), **limits) as gateway:
        eager, other = gateway.as_(new_id(), "sponsor"), gateway.as_(new_id(), "sponsor")
        statuses = []
        for path in ("/v1/campaigns", "/v1/deals/a/b") * 4:
            async with gateway.client.get(path, headers=eager) as response:
                statuses.append(response.status)
                if response.status == 429:
                    assert (await problem(response))[1] == "too-many-requests"
                    assert int(response.headers["retry-after"]) > 0
        assert statuses == [200] * 5 + [429] * 3
        async with gateway.client.get("/v1/campaigns", headers=other) as response:
            assert response.status == 200


async def test_guessing_tokens_is_limited_by_address(service_database: Callable[[str], FreshDatabase]) -> None:
    limits = {"rate_limit_anonymous_per_second": 0.001, "rate_limit_anonymous_burst": 3}
    async with opened(service_database("gateway"), **limits) as gateway:
        statuses = []
        for number in range(40):
            headers = {"authorization": f"Bearer guess-{number}"}
            async with gateway.client.get("/v1/campaigns", headers=headers) as response:
                statuses.append(response.status)
        assert statuses[-1] == 429
        async with gateway.client.get("/v1/campaigns", headers=gateway.as_(new_id(), "sponsor")) as response:
            assert response.status == 200


def test_a_bucket_fills_again() -> None:
    clock = [0.0]
    rates = Rates(2, 4, now=lambda: clock[0])
    assert [rates.take("a") for _ in range(5)] == [0, 0, 0, 0, 1]
    clock[0] = 1.0
    assert [rates.take("a") for _ in range(3)] == [0, 0, 1]
    assert rates.take("b") == 0


def test_no_limit_is_no_limit() -> None:
    assert {Rates(0, 1).take("a") for _ in range(100)} == {0}


def test_the_memory_of_buckets_is_bounded() -> None:
    rates = Rates(1, 1, most=10)
    for number in range(1_000):
        rates.take(str(number))
    assert len(rates._buckets) == 10
