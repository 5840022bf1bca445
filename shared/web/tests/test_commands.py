"""Commands from HTTP to committed events, on a real store."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import orjson
import pytest
from fastapi import Request

from shared.messaging.topics import partition_of
from shared.testing.infra import FreshDatabase
from shared.web.commands import Commands
from shared.web.tests.jars import Jars, opened
from shared.web.tests.running import problem


@pytest.fixture
async def jars(store_database: FreshDatabase) -> AsyncIterator[Jars]:
    async with opened(store_database.url) as jars:
        yield jars


async def test_a_command_answers_id_revision_and_token(jars: Jars) -> None:
    response = await jars.post("/v1/jars", {"sweets": 3})
    told = await response.json()
    assert response.status == 201
    assert told["revision"] == 1
    assert response.headers["etag"] == '"1"'
    service, partition, epoch, number = response.headers["consistency-token"].split(":")
    assert (service, int(partition), int(number)) == ("jars", partition_of(told["id"]), 1)
    assert epoch == await jars.database.fetchval("SELECT epoch FROM head")
    assert "idempotency-replayed" not in response.headers


async def test_what_is_known_of_the_request_is_stored_with_the_event(jars: Jars) -> None:
    jar_id = await jars.new()
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    response = await jars.post(f"/v1/jars/{jar_id}/take", {"sweets": 1}, traceparent=traceparent)
    rows = await jars.database.fetch("SELECT metadata FROM events ORDER BY position")
    first, second = (orjson.loads(row["metadata"]) for row in rows)
    assert first["actor"] == "system:tests"
    assert (second["reason"], second["on_behalf_of"]) == ("hunger", "aunt")
    assert second["correlation_id"] == response.headers["x-correlation-id"]
    assert second["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    assert len(second["actor"]) == 36


async def test_the_same_key_again_is_answered_alike_and_does_nothing(jars: Jars) -> None:
    jar_id = await jars.new()
    ask = partial(jars.post, f"/v1/jars/{jar_id}/take", {"sweets": 1}, idempotency_key="k")
    answers = await asyncio.gather(*(ask() for _ in range(20)))
    bodies = {await answer.text() for answer in answers}
    assert {answer.status for answer in answers} == {200}
    assert len(bodies) == 1
    assert len([answer for answer in answers if "idempotency-replayed" not in answer.headers]) == 1
    assert {answer.headers["etag"] for answer in answers} == {'"2"'}
    assert await jars.events() == 2


async def test_a_key_belongs_to_its_caller_its_route_and_its_body(jars: Jars) -> None:
    jar_id, second = await jars.new(9), await jars.new(9)
    take = f"/v1/jars/{jar_id}/take"
    assert (await jars.post(take, {"sweets": 1}, idempotency_key="k")).status == 200
    for path, body in (
        (take, {"sweets": 2}),
        (f"/v1/jars/{second}/take", {"sweets": 1}),
        (take + "?x=1", {"sweets": 1}),
    ):
        response = await jars.post(path, body, idempotency_key="k")
        assert await problem(response) == (422, "idempotency-key-reused", None)
    assert await jars.events() == 3
    for path, by in ((take, jars.other), (f"/v1/jars/{jar_id}/mix", jars.me)):
        response = await jars.post(path, {"sweets": 1} if path == take else None, by=by, idempotency_key="k")
        assert response.status == 200
        assert "idempotency-replayed" not in response.headers


async def test_a_refusal_is_kept_with_its_key(jars: Jars) -> None:
    jar_id = await jars.new(1)
    path = f"/v1/jars/{jar_id}/take"
    refused = await jars.post(path, {"sweets": 5}, idempotency_key="k")
    assert await problem(refused) == (409, "jar-empty", None)
    assert (await refused.json())["sweets"] == 1
    again = await jars.post(path, {"sweets": 5}, idempotency_key="k")
    assert again.status == 409
    assert again.content_type == "application/problem+json"
    assert await again.text() == await refused.text()
    assert again.headers["idempotency-replayed"] == "true"
    assert await jars.events() == 1


async def test_digests_are_keyed(jars: Jars) -> None:
    await jars.new()
    [row] = await jars.database.fetch("SELECT key, digest FROM answers")
    assert len(row["digest"]) == 32
    assert row["key"].startswith("anonymous:POST /v1/jars:")
    one, other = (Commands(None, {}, secret) for secret in ("a", "b"))  # type: ignore[arg-type]
    scope = {"type": "http", "method": "POST", "path": "/a", "query_string": b"", "headers": []}
    request = Request(scope)
    assert one.digest(request, b"x") != other.digest(request, b"x")
    assert one.digest(Request(scope | {"path": "/ax"}), b"") != one.digest(request, b"x")


async def test_if_match_names_the_revision_that_was_seen(jars: Jars) -> None:
    jar_id = await jars.new(9)
    path = f"/v1/jars/{jar_id}/take"
    assert (await jars.post(path, {"sweets": 1}, if_match='"1"')).headers["etag"] == '"2"'
    assert await problem(await jars.post(path, {"sweets": 1}, if_match='"1"')) == (409, "revision-moved", None)
    assert (await jars.post(path, {"sweets": 1}, if_match="*")).status == 200
    for bad in ("1", '"0"', '"x"', 'W/"3"', '"3","4"', '"' + "9" * 30 + '"'):
        response = await jars.post(path, {"sweets": 1}, if_match=bad)
        assert await problem(response) == (422, "invalid-value", "If-Match")
    assert await problem(await jars.post(f"/v1/jars/{jar_id}/mix", if_match='"3"')) == (
        422,
        "invalid-value",
        "If-Match",
    )
    assert await jars.events() == 3


async def test_fields_where_none_are_taken(jars: Jars) -> None:
    path = f"/v1/jars/{await jars.new()}/take-one"
    assert await problem(await jars.post(path, {"sweets": 1})) == (422, "unknown-field", "sweets")
    assert await problem(await jars.post(path, [1])) == (422, "unknown-field", "body")
    assert (await jars.post(path, {})).status == 200
    assert (await jars.post(path)).status == 200
    headers = jars.me | {"idempotency-key": "k", "content-type": "application/json"}
    assert (await problem(await jars.client.post(path, data=b"{", headers=headers)))[1] == "malformed-json"


async def test_fifty_at_once_take_what_is_there_and_no_more(jars: Jars) -> None:
    path = f"/v1/jars/{await jars.new(7)}/take"
    answers = await asyncio.gather(*(jars.post(path, {"sweets": 1}) for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [200] * 7 + [409] * 43
    assert await jars.events() == 8


async def test_a_command_waits_for_its_token_and_goes_on_regardless(store_database: FreshDatabase) -> None:
    asked: list[str] = []

    async def never(token: str) -> bool:
        asked.append(token)
        if token == "x":
            raise ValueError
        return False

    async with opened(store_database.url, never) as jars:
        assert (await jars.post("/v1/jars", {"sweets": 1}, consistency_token="payments:3:e:17")).status == 201
        assert asked == ["payments:3:e:17"]
        response = await jars.post("/v1/jars", {"sweets": 1}, consistency_token="x")
        assert await problem(response) == (422, "invalid-value", "Consistency-Token")


async def test_a_refusal_before_all_was_heard_is_not_final(store_database: FreshDatabase) -> None:
    heard = False

    async def reached(_token: str) -> bool:
        return heard

    async with opened(store_database.url, reached) as jars:
        path = f"/v1/jars/{await jars.new(1)}/take"
        for status in (503, 409):
            response = await jars.post(path, {"sweets": 2}, idempotency_key="k", consistency_token="payments:3:e:17")
            assert response.status == status
            assert ("retry-after" in response.headers) is not heard
            heard = True
        assert (await jars.post(path, {"sweets": 2}, idempotency_key="k")).headers["idempotency-replayed"] == "true"


async def test_a_row_that_forgets_the_key_is_a_bug_that_shows(jars: Jars) -> None:
    assert (await problem(await jars.post("/v1/unguarded")))[:2] == (500, "internal-error")
    assert await jars.events() == 0


async def test_a_database_that_is_away(jars: Jars) -> None:
    jars.database.pool.terminate()
    response = await jars.post("/v1/jars", {"sweets": 1})
    assert await problem(response) == (503, "unavailable", None)
    assert response.headers["retry-after"] == "2"
