"""A rival: a gateway as it is usually built in Python, FastAPI that forwards with httpx over kept connections."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request, Response

KEPT = 100
DROPPED = {"host", "connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    limits = httpx.Limits(max_connections=KEPT, max_keepalive_connections=KEPT)
    async with httpx.AsyncClient(base_url=os.environ["SERVICE_URL"], limits=limits, timeout=30) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


@app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def forward(request: Request, path: str) -> Response:
    """Forward a request and its answer."""
    client: httpx.AsyncClient = request.app.state.client
    answer = await client.request(
        request.method,
        f"/{path}",
        params=request.query_params,
        content=await request.body(),
        headers=[(name, value) for name, value in request.headers.items() if name not in DROPPED],
    )
    headers = {name: value for name, value in answer.headers.items() if name not in DROPPED}
    return Response(answer.content, answer.status_code, headers)
