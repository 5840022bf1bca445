"""Hot dashboards: the same answer as the long way, never an older one, and nothing for whom it is not."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any

import aiohttp
import asyncpg
import pytest

from services.gateway.hot import AGAIN_SECONDS, LONGEST_SECONDS, Hot
from services.gateway.tests.room import Gateway
from shared.contracts import payments as pa
from shared.kernel.ids import new_id
from shared.web.ready import Ready
from shared.web.tests.running import problem, until

NOW = datetime.now(UTC)
PATH = "/v1/dashboards/me"
ROW = ("sponsor_dashboard", "a")


def ready(version: int) -> Ready:
    return Ready(PATH, b"", str(version).encode())


def kept(hot: Hot, version: int, announced: str | None = None) -> Ready | None:
    """Read a row, an announcement coming while it is read."""
    reading = hot.begin(ROW)
    if announced is not None:
        hot.wake("changed", announced)
    hot.end(ROW, reading, (version, ready(version)))
    return hot.get(ROW)


@pytest.fixture
def hot() -> Hot:
    made = Hot()
    made.wake("changed", "")
    return made


def test_what_was_read_is_kept_until_a_later_version_is_announced(hot: Hot) -> None:
    assert kept(hot, 3) == ready(3)
    hot.wake("changed", '{"p":"sponsor_dashboard","k":[["b",9],["a",3]]}')
    assert hot.get(ROW) == ready(3)
    hot.wake("changed", '{"p":"sponsor_dashboard","k":[["a",4]]}')
    assert hot.get(ROW) is None


@pytest.mark.parametrize("payload", ["", '{"p":"sponsor_dashboard","k":null}'])
def test_it_is_forgotten_when_any_row_may_have_changed(hot: Hot, payload: str) -> None:
    assert kept(hot, 3) is not None
    hot.wake("changed", payload)
    assert hot.get(ROW) is None
    assert kept(hot, 3, payload) is None  # and a read that this overtook is not kept


def test_a_read_that_an_announcement_overtook_is_kept_only_with_that_version(hot: Hot) -> None:
    assert kept(hot, 3, '{"p":"sponsor_dashboard","k":[["a",4]]}') is None
    assert kept(hot, 4, '{"p":"sponsor_dashboard","k":[["a",4]]}') == ready(4)


def test_nothing_is_kept_while_nothing_is_heard(hot: Hot) -> None:
    assert kept(hot, 3) is not None
    hot.lose()
    assert hot.get(ROW) is None
    assert kept(hot, 3) is None
    hot.wake("changed", "")
    assert kept(hot, 3) is not None
    assert kept(Hot(), 3) is None


def test_nothing_is_kept_for_long() -> None:
    now = 5.0
    hot = Hot(now=lambda: now)
    hot.wake("changed", "")
    assert kept(hot, 3) is not None
    now += AGAIN_SECONDS
    assert [hot.get(ROW) for _ in range(3)] == [None, ready(3), ready(3)]  # one reads it anew
    now += LONGEST_SECONDS - AGAIN_SECONDS
    assert hot.get(ROW) is None


def test_only_so_many_rows_are_kept() -> None:
    hot = Hot(most=1)
    hot.wake("changed", "")
    assert kept(hot, 3) is not None
    other = ("sponsor_dashboard", "b")
    hot.end(other, hot.begin(other), (1, ready(1)))
    assert (hot.get(ROW), hot.get(other)) == (None, ready(1))


# Through a running gateway


async def top_up(gateway: Gateway, sponsor: str) -> str:
    return await gateway.tell([(sponsor, pa.WalletToppedUp(new_id(), sponsor, 100, "EUR", "sandbox"), NOW)])


async def read(gateway: Gateway, headers: dict[str, str]) -> tuple[int, dict[str, str], Any]:
    async with gateway.client.get(PATH, headers=headers) as response:
        body = await response.json(content_type=None) if response.status != 304 else None
        return response.status, {name.lower(): value for name, value in response.headers.items()}, body


async def test_the_short_way_answers_what_the_long_way_does(gateway: Gateway) -> None:
    headers = gateway.as_(new_id(), "sponsor")
    answers = [await read(gateway, headers) for _ in range(3)]
    for status, sent, body in answers:
        assert status == 200
        assert body == answers[0][2]
        assert set(sent) == set(answers[0][1])
        own = ("date", "x-correlation-id")
        assert {n: v for n, v in sent.items() if n not in own} == {
            n: v for n, v in answers[0][1].items() if n not in own
        }
    assert len({sent["x-correlation-id"] for _, sent, _ in answers}) == 3
    etag = answers[0][1]["etag"]
    assert (await read(gateway, headers | {"if-none-match": etag}))[0] == 304
    correlation = new_id()
    assert (await read(gateway, headers | {"x-correlation-id": correlation}))[1]["x-correlation-id"] == correlation


async def test_a_change_is_seen_by_who_has_heard_of_it_and_soon_by_all(gateway: Gateway) -> None:
    sponsor = new_id()
    headers = gateway.as_(sponsor, "sponsor")
    for count in (1, 2, 3):
        await read(gateway, headers)
        token = await top_up(gateway, sponsor)
        assert (await read(gateway, headers | {"consistency-token": token}))[2]["version"] == count

    async def seen() -> bool:
        return bool((await read(gateway, headers))[2]["version"] == 3)

    await until(seen)


async def test_nobody_gets_what_is_kept_for_somebody_else(gateway: Gateway) -> None:
    mine, other = new_id(), new_id()
    await top_up(gateway, mine)
    for _ in range(2):
        assert (await read(gateway, gateway.as_(mine, "sponsor")))[2]["version"] == 1
        assert (await read(gateway, gateway.as_(other, "sponsor")))[2]["version"] == 0
        assert (await read(gateway, gateway.as_(mine, "influencer")))[2]["role"] == "influencer"


async def test_an_ended_session_gets_nothing_that_is_kept(gateway: Gateway) -> None:
    session = new_id()
    headers = gateway.as_(new_id(), "sponsor", sid=session)
    assert (await read(gateway, headers))[0] == 200
    gateway.identity.end(session)

    async def refused() -> bool:
        return (await read(gateway, headers))[0] == 401

    await until(refused)
    assert (await read(gateway, {"authorization": headers["authorization"][:-2]}))[0] == 401
    async with gateway.client.get(PATH) as response:
        assert (await problem(response))[:2] == (401, "token-required")


async def test_requests_in_one_packet_are_answered_in_their_order(gateway: Gateway) -> None:
    headers = gateway.as_(new_id(), "sponsor")
    await read(gateway, headers)
    fixed = f"host: x\r\nauthorization: {headers['authorization']}\r\n"
    requests = [
        f"GET /v1/campaigns HTTP/1.1\r\n{fixed}\r\n",
        f"GET {PATH} HTTP/1.1\r\n{fixed}\r\n",
        f"GET {PATH} HTTP/1.1\r\n{fixed}\r\n",
        f"GET /v1/nothing HTTP/1.1\r\n{fixed}\r\n",
        f"GET {PATH} HTTP/1.1\r\n{fixed}content-length: 2\r\ncontent-type: application/json\r\n\r\n{{}}",
        f"HEAD {PATH} HTTP/1.1\r\n{fixed}\r\n",
        f"GET {PATH} HTTP/1.1\r\n{fixed}connection: close\r\n\r\n",
    ]
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write("".join(requests).encode())
    async with asyncio.timeout(30):
        told = (await reader.read()).decode()
    writer.close()
    assert re.findall(r"HTTP/1\.1 (\d+) ", told) == ["200", "200", "200", "404", "200", "405", "200"]
    assert told.index('"next_cursor"') < told.index('"version"')


async def test_a_lost_connection_to_the_database_keeps_nothing(gateway: Gateway) -> None:
    headers = gateway.as_(new_id(), "sponsor")
    await read(gateway, headers)
    connection = await asyncpg.connect(gateway.database.url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()

    async def answered() -> bool:
        try:
            return (await read(gateway, headers))[0] == 200
        except aiohttp.ClientError:
            return False

    await until(answered)
