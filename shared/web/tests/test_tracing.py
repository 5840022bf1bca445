"""Trace context: what is taken over, what is made anew, and how it comes back over HTTP."""

import aiohttp
import pytest
from fastapi import APIRouter

from shared.kernel.ids import is_id, new_id
from shared.web import tracing
from shared.web.app import create_app
from shared.web.permissions import PUBLIC, Permission
from shared.web.tests.running import served

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    "header",
    [None, "", "x", PARENT.upper(), PARENT + "-more", PARENT.replace("00-", "ff-", 1), PARENT[:-3], PARENT + "0" * 600,
     "00-" + "0" * 32 + "-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01"],
)  # fmt: skip
def test_what_is_no_trace(header: str | None) -> None:
    assert tracing.parse(header) is None


def test_a_trace_goes_on_in_a_span_of_its_own() -> None:
    context = tracing.begin(PARENT)
    assert context.trace.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert context.trace.span_id != "b7ad6b7169203331"
    assert tracing.parse(str(context.trace)) == context.trace
    later = tracing.parse(PARENT.replace("00-", "01-", 1) + "-more")
    assert later is not None
    assert str(later) == PARENT


async def test_a_request_keeps_a_correlation_id_of_ours_and_no_other() -> None:
    router = APIRouter()

    @router.get("/a")
    async def a() -> dict[str, str]:
        context = tracing.current.get()
        assert context is not None
        return {"correlation": tracing.correlation_id(), "trace": context.trace.trace_id}

    app = create_app("a", [Permission("GET", "/a", PUBLIC)], [router], authenticator=None)
    async with served(app) as address, aiohttp.ClientSession(address) as client:
        mine = new_id()
        response = await client.get("/a", headers={"x-correlation-id": mine, "traceparent": PARENT})
        assert await response.json() == {"correlation": mine, "trace": "0af7651916cd43dd8448eb211c80319c"}
        assert response.headers["x-correlation-id"] == mine
        for foreign in ("ada@example.org", "x" * 36, mine.upper()):
            response = await client.get("/a", headers={"x-correlation-id": foreign})
            told = (await response.json())["correlation"]
            assert is_id(told)
            assert told == response.headers["x-correlation-id"] != foreign
