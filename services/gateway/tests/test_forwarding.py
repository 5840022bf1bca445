"""Forwarding: what reaches the service, what comes back, and what never gets through."""

import asyncio

import pytest

from services.gateway import upstream
from services.gateway.tests.room import Gateway
from shared.kernel.ids import new_id
from shared.web.tests.running import PATIENCE_SECONDS, problem, until

SPONSOR = new_id()


async def test_a_command_reaches_its_service_whole(gateway: Gateway) -> None:
    headers = gateway.as_(SPONSOR, "sponsor") | {
        "idempotency-key": "k-1",
        "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
        "x-forwarded-for": "10.0.0.1",
        "connection": "keep-alive, x-mine",
        "x-mine": "for this connection only",
    }
    async with gateway.client.post("/v1/campaigns/x/publish?a=%20b", json={"né": "ü"}, headers=headers) as response:
        assert response.status == 201
        assert response.headers["x-told"] == "yes"
        assert response.headers["consistency-token"] == "a:1:b:2"
        assert len(response.headers.getall("x-correlation-id")) == 1
        told = await response.json()
    assert (told["method"], told["path"], told["query"]) == ("POST", "/v1/campaigns/x/publish", "a=%20b")
    assert told["body"] == '{"n\\u00e9": "\\u00fc"}'
    got = told["headers"]
    assert got["authorization"] == headers["authorization"]
    assert got["idempotency-key"] == "k-1"
    assert got["traceparent"].split("-")[1] == "a" * 32
    assert got["traceparent"] != headers["traceparent"]
    assert got["x-correlation-id"] == response.headers["x-correlation-id"]
    assert got["x-forwarded-for"] == "127.0.0.1"
    assert "x-mine" not in got
    assert "connection" not in got


@pytest.mark.parametrize("how", ["plain", "chunks", "large", "close", "nothing"])
async def test_answers_of_every_shape_come_back_as_they_are(gateway: Gateway, how: str) -> None:
    for _ in range(3):  # also over connections that were kept
        async with gateway.client.get(f"/v1/campaigns/a/b/{how}", headers=gateway.as_(SPONSOR, "sponsor")) as response:
            body = await response.read()
            assert response.status == (204 if how == "nothing" else 200)
            assert len(body) == {"nothing": 0, "large": 1_000_000}.get(how, len(body))
            assert (how != "chunks") or '"method"' in body.decode()


async def test_head_is_answered_without_a_body_and_the_connection_stays_good(gateway: Gateway) -> None:
    headers = gateway.as_(SPONSOR, "sponsor")
    for _ in range(3):
        async with gateway.client.head("/v1/campaigns/a/b", headers=headers) as response:
            assert int(response.headers["content-length"]) > 0
        async with gateway.client.get("/v1/campaigns/a/b", headers=headers) as response:
            assert (await response.json())["method"] == "GET"


async def test_many_requests_at_once_each_get_their_own_answer(gateway: Gateway) -> None:
    async def ask(number: int) -> None:
        path = f"/v1/deals/{number}/approve"
        async with gateway.client.post(path, headers=gateway.as_(SPONSOR, "sponsor")) as response:
            assert (await response.json())["path"] == path

    await asyncio.gather(*(ask(number) for number in range(60)))


async def test_the_door_asks_for_a_token_before_anything_is_forwarded(gateway: Gateway) -> None:
    for headers, code in (
        ({}, "token-required"),
        ({"authorization": "Bearer nonsense"}, "token-invalid"),
        (gateway.as_(SPONSOR, "sponsor", exp=1), "token-expired"),
    ):
        async with gateway.client.post("/v1/campaigns", json={}, headers=headers) as response:
            assert await problem(response) == (401, code, None)
            assert response.headers["www-authenticate"].startswith("Bearer")
    assert gateway.service.asked == []


async def test_registering_and_signing_in_need_no_token(gateway: Gateway) -> None:
    # The identity of these tests has neither: its own 404 shows that the request came through.
    for path in ("/v1/accounts", "/v1/sessions", "/v1/sessions/refresh"):
        async with gateway.client.post(path, json={}) as response:
            assert (await problem(response))[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "/internal/revocations",
        "/v1/../internal/revocations",
        "/v1/campaigns/../../internal/revocations",
        "/v1/campaigns/%2e%2e/%2e%2e/internal/revocations",
        "/v1/campaigns/..%2f..%2finternal/revocations",
        "//internal/revocations",
        "/v1/campaigns//x",
        "/v1/unheard-of",
    ],
)
async def test_what_is_in_no_table_is_never_forwarded(gateway: Gateway, path: str) -> None:
    headers = gateway.as_(SPONSOR, "sponsor")
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    token = headers["authorization"]
    writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\nconnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.split(b" ")[1] == b"404"
    assert gateway.service.asked == []


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(gateway: Gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    token = gateway.as_(SPONSOR, "sponsor")["authorization"]
    writer.write(
        f"POST /v1/campaigns HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\ncontent-type: application/json\r\n"
        "content-length: 10000000\r\n\r\n".encode()
    )
    assert (await reader.readline()).split(b" ")[1] == b"413"  # and not one byte of it was sent
    writer.close()
    assert gateway.service.asked == []


async def test_a_body_that_grows_too_large_is_refused(gateway: Gateway) -> None:
    async def endless() -> object:
        for _ in range(1_000):
            yield b" " * 1_000

    headers = gateway.as_(SPONSOR, "sponsor") | {"content-type": "application/json"}
    async with gateway.client.post("/v1/campaigns", data=endless(), headers=headers) as response:
        assert (await problem(response))[:2] == (413, "body-too-large")
    assert gateway.service.asked == []


async def test_malformed_json_is_refused_at_the_door(gateway: Gateway) -> None:
    headers = gateway.as_(SPONSOR, "sponsor") | {"content-type": "application/json"}
    async with gateway.client.post("/v1/campaigns", data=b'{"a": NaN}', headers=headers) as response:
        assert (await problem(response))[:2] == (400, "malformed-json")
    assert gateway.service.asked == []


async def test_a_client_that_goes_away_ends_the_stream_behind_it(gateway: Gateway) -> None:
    response = await gateway.client.get("/v1/campaigns/a/b/stream", headers=gateway.as_(SPONSOR, "sponsor"))
    assert await response.content.readline() == b"begun\n"
    response.close()

    async def gone() -> bool:
        return gateway.service.gone.is_set()

    await until(gone)


async def test_a_service_that_does_not_answer_in_time_is_asked_once(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = gateway.as_(SPONSOR, "sponsor") | {"idempotency-key": "k"}
    async with gateway.client.get("/v1/campaigns/a/b", headers=headers) as response:
        assert response.status == 200  # over a connection that is kept
    monkeypatch.setattr(upstream, "ANSWER_SECONDS", 0.05)
    async with asyncio.timeout(PATIENCE_SECONDS):
        async with gateway.client.post("/v1/campaigns/a/silence", headers=headers) as response:
            assert (await problem(response))[:2] == (503, "unavailable")
    assert gateway.service.asked == ["/v1/campaigns/a/b", "/v1/campaigns/a/silence"]

    async def hung_up() -> bool:
        return gateway.service.gone.is_set()

    await until(hung_up)


async def test_what_is_for_a_service_that_has_too_much_to_do_is_refused_at_the_door(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "MOST_CONNECTIONS", 1)
    headers = gateway.as_(SPONSOR, "sponsor")
    stream = await gateway.client.get("/v1/campaigns/a/b/stream", headers=headers)
    for path in ("/v1/campaigns", "/v1/campaigns/a%20b"):  # which the long way reads
        async with gateway.client.post(path, json={}, headers=headers) as response:
            assert await problem(response) == (503, "overloaded", None)
            assert response.headers["retry-after"] == "1"
    async with gateway.client.post("/v1/campaigns", json={}) as response:  # nobody's token is looked at
        assert await problem(response) == (503, "overloaded", None)
    for path in ("/v1/deals/x/y", "/v1/campaigns", "/v1/dashboards/me"):  # another service, and our own reads
        async with gateway.client.get(path, headers=headers) as response:
            assert response.status == 200
    stream.close()

    async def taken() -> bool:
        async with gateway.client.post("/v1/campaigns", json={}, headers=headers) as response:
            return response.status == 201

    await until(taken)
    assert gateway.service.asked == ["/v1/campaigns/a/b/stream", "/v1/deals/x/y", "/v1/campaigns"]


async def test_a_session_that_ended_is_refused_at_the_door(gateway: Gateway) -> None:
    session = new_id()
    headers = gateway.as_(SPONSOR, "sponsor", sid=session)
    async with gateway.client.get("/v1/campaigns/a/b", headers=headers) as response:
        assert response.status == 200
    gateway.identity.end(session)

    async def refused() -> bool:
        async with gateway.client.get("/v1/campaigns/a/b", headers=headers) as response:
            return response.status == 401

    await until(refused)


async def test_another_correlation_id_than_one_of_ours_is_replaced(gateway: Gateway) -> None:
    headers = gateway.as_(SPONSOR, "sponsor") | {"x-correlation-id": "me@example.org"}
    async with gateway.client.get("/v1/campaigns/a/b", headers=headers) as response:
        assert (await response.json())["headers"]["x-correlation-id"] != "me@example.org"
