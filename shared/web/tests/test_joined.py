"""The head of an answer comes with its body where the length is known, and by itself where somebody streams."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.web.tests.running import PATIENCE_SECONDS, lived, served

LENGTHS: dict[str, list[tuple[bytes, bytes]]] = {"/known": [(b"content-length", b"4")], "/stream": []}


class Slow:
    """Begins an answer, and sends its body when told to."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lived(receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": LENGTHS[scope["path"]]})
        self.begun.set()
        await self.go_on.wait()
        if scope["query_string"] == b"fail":
            raise RuntimeError
        for part, more in ((b"bo", True), (b"dy", False)):
            await send({"type": "http.response.body", "body": part, "more_body": more})


@pytest.fixture
def app() -> Slow:
    return Slow()


@pytest.fixture
async def port(app: Slow) -> AsyncIterator[int]:
    async with served(app) as url:
        yield int(url.rpartition(":")[2])


async def asked(port: int, *requests: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("".join(f"{line} HTTP/1.1\r\nhost: x\r\n\r\n" for line in requests).encode())
    return reader, writer


async def test_the_head_of_an_answer_of_known_length_waits_for_its_body(app: Slow, port: int) -> None:
    reader, writer = await asked(port, "GET /known")
    async with asyncio.timeout(PATIENCE_SECONDS):
        await app.begun.wait()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read(1)
        app.go_on.set()
        assert (await reader.readuntil(b"body")).startswith(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n")
    writer.close()


async def test_the_head_of_a_stream_comes_at_once(app: Slow, port: int) -> None:
    reader, writer = await asked(port, "GET /stream")
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert b"transfer-encoding: chunked" in await reader.readuntil(b"\r\n\r\n")
        app.go_on.set()
        assert await reader.readuntil(b"0\r\n\r\n") == b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n"
    writer.close()


async def test_answers_without_a_body_come_in_their_order(app: Slow, port: int) -> None:
    app.go_on.set()
    reader, writer = await asked(port, "HEAD /known", "GET /known", "HEAD /known", "GET /known")
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in range(2):  # one without a body, then one with it
            assert (await reader.readuntil(b"body")).count(b"HTTP/1.1 200 OK\r\n") == 2
    writer.close()


async def test_an_answer_that_breaks_off_is_cut(app: Slow, port: int) -> None:
    reader, writer = await asked(port, "GET /known?fail")
    async with asyncio.timeout(PATIENCE_SECONDS):
        await app.begun.wait()
        app.go_on.set()
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"\r\n\r\n")  # the connection ends before its body
    writer.close()
