"""Shortcuts: answered at once where they can, and otherwise as if there were none."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from shared.web import metrics
from shared.web.problems import Problem
from shared.web.ready import Ready, ready_of
from shared.web.serve import serve
from shared.web.tests.running import free_port, lived

FIXED = b"host: x\r\n"


class App:
    """Says `long` to everything, after a moment."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lived(receive, send)
            return
        await asyncio.sleep(0.01)
        size = 0
        while (part := await receive()).get("more_body"):
            size += len(part["body"])
        size += len(part["body"])
        body = f"long {scope['path']}{f' {size}' if scope['path'] == '/full' else ''};".encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def short(headers: Mapping[bytes, bytes]) -> Ready | None:
    return None if b"x-long" in headers else ready_of("/short", [(b"content-length", b"6")], b"short;")


def refuse(method: str, target: bytes) -> tuple[str, Problem] | None:
    return ("/full", Problem("overloaded", "full;")) if target == b"/full" else None


@pytest.fixture
async def port() -> AsyncIterator[int]:
    stop, port = asyncio.Event(), free_port()
    task = asyncio.create_task(
        serve(App(), "127.0.0.1", port, stop=stop, grace_seconds=1, shortcuts={b"/short": short}, refuse=refuse)
    )
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.02)
    yield port
    stop.set()
    await task


async def told(port: int, *requests: bytes) -> str:
    """Send requests in one packet on one connection; return all that comes until it is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(requests) + b"GET /end HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    async with asyncio.timeout(30):
        answer = (await reader.read()).decode()
    writer.close()
    return ";".join(part.rpartition("\n")[2] for part in answer.split(";"))


async def test_requests_are_answered_in_their_order_whichever_way(port: int) -> None:
    short, long = b"GET /short HTTP/1.1\r\n" + FIXED + b"\r\n", b"GET /else HTTP/1.1\r\n" + FIXED + b"\r\n"
    assert await told(port, short, short, long, short, long, long) == (
        "short;short;long /else;long /short;long /else;long /else;long /end;"  # not before one that is under way
    )


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /short HTTP/1.1\r\nhost: x\r\nx-long: 1\r\n\r\n",
        b"GET /short?a=1 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /short HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        b"GET /short HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
        b"GET /short HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /short HTTP/1.1\r\nhost: x\r\naccept: a\r\naccept: b\r\n\r\n",
    ],
)
async def test_what_is_special_takes_the_long_way(port: int, request_: bytes) -> None:
    assert await told(port, request_) == "long /short;long /end;"


async def test_a_connection_that_is_to_be_closed_is_closed(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /short HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    async with asyncio.timeout(30):
        assert (await reader.read()).endswith(b"long /short;")
    writer.close()


REFUSED = b"POST /full HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody"


async def answered(port: int, *packets: bytes) -> str:
    """Send packets with pauses in between, which are read one by one; return all that comes until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for packet in (*packets, b"GET /end HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"):
        writer.write(packet)
        await asyncio.sleep(0.1)
    async with asyncio.timeout(30):
        answer = (await reader.read()).decode()
    writer.close()
    return answer


async def test_what_is_refused_is_told_why_and_the_connection_stays_good(port: int) -> None:
    def count() -> float:
        return float(metrics.REFUSALS.labels("overloaded")._value.get())

    before = count()
    answer = await answered(port, REFUSED + REFUSED, REFUSED)
    assert answer.count("HTTP/1.1 503 Service Unavailable\r\n") == 3
    assert answer.count("retry-after: 1\r\n") == 3
    assert answer.count('"detail":"full;"') == 3
    assert answer.endswith("long /end;")
    for name in ("date: ", "x-correlation-id: ", "content-type: application/problem+json\r\n"):
        assert answer.count(name) == 3
    assert count() == before + 3


async def test_a_refusal_of_head_has_no_body(port: int) -> None:
    answer = await answered(port, b"HEAD /full HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.startswith("HTTP/1.1 503 ")
    assert "full;" not in answer


@pytest.mark.parametrize(
    "packets",
    [
        (REFUSED[:-2], REFUSED[-2:]),  # its body takes its time, which is for the app to limit
        (REFUSED[:-4], REFUSED[-4:-1], REFUSED[-1:]),
        (b"POST /full HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n", b"body"),
        (b"GET /else HTTP/1.1\r\nhost: x\r\n\r\n" + REFUSED,),  # one before it is under way
    ],
)
async def test_what_is_not_refused_at_once_takes_the_long_way(port: int, packets: tuple[bytes, ...]) -> None:
    answer = await answered(port, *packets)
    assert "long /full 4;" in answer
    assert "503" not in answer
