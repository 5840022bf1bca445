"""The least that answers with some bytes on our HTTP server: `bench.rivals.bare <port> <file>`.

uvicorn with uvloop and httptools, one worker, and below it an ASGI app that looks at nothing.
"""

import sys
from pathlib import Path
from typing import Any

import uvicorn

from deploy.local.ports import LOOPBACK


def answering(body: bytes) -> Any:
    """Return the app."""
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
    }
    rest = {"type": "http.response.body", "body": body}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start)
        await send(rest)

    return app


def main(port: str, file: str) -> None:
    uvicorn.run(
        answering(Path(file).read_bytes()), host=LOOPBACK, port=int(port),
        loop="uvloop", http="httptools", ws="none", lifespan="off", interface="asgi3",
        log_config=None, access_log=False, server_header=False, date_header=False, proxy_headers=False,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
