"""A process of its own: SIGTERM lets what is being answered finish, and a taken port is one clear failure."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import textwrap

import aiohttp

from shared.web.tests.running import free_port, until

SLOW_SECONDS = 180  # a machine with much else to do takes long to start a process

PROGRAM = textwrap.dedent("""
    import asyncio, sys
    from contextlib import asynccontextmanager
    from fastapi import APIRouter
    from shared.web import logs
    from shared.web.app import create_app
    from shared.web.permissions import PUBLIC, Permission
    from shared.web.serve import run, serve

    router = APIRouter()

    @router.get("/slow")
    async def slow() -> dict[str, bool]:
        print("begun", flush=True)
        await asyncio.sleep(1)
        return {"finished": True}

    @router.get("/endless")
    async def endless() -> None:
        print("begun", flush=True)
        await asyncio.Event().wait()

    @asynccontextmanager
    async def lifespan(app):
        yield
        print("closed", flush=True)

    async def main() -> None:
        rows = [Permission("GET", "/slow", PUBLIC), Permission("GET", "/endless", PUBLIC)]
        app = create_app("slow", rows, [router], authenticator=None, lifespan=lifespan)
        await serve(app, "127.0.0.1", int(sys.argv[1]), grace_seconds=int(sys.argv[2]))
        print("left", flush=True)

    logs.configure("slow", "api", "error")
    run(main())
""")


def start(port: int, grace_seconds: int = 60) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port), str(grace_seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def begun(
    client: aiohttp.ClientSession, process: "subprocess.Popen[str]", path: str
) -> "asyncio.Task[aiohttp.ClientResponse]":
    async def up() -> bool:
        assert process.poll() is None
        try:
            return (await client.get("/livez")).status == 200
        except aiohttp.ClientConnectionError:
            return False

    await until(up, seconds=SLOW_SECONDS)
    asking = asyncio.create_task(client.get(path))
    assert process.stdout is not None
    assert (await asyncio.to_thread(process.stdout.readline)) == "begun\n"
    return asking


async def test_sigterm_lets_answers_finish() -> None:
    port = free_port()
    process = start(port)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            asking = await begun(client, process, "/slow")
            process.send_signal(signal.SIGTERM)
            assert await (await asking).json() == {"finished": True}
        out, err = await asyncio.to_thread(process.communicate, timeout=SLOW_SECONDS)
        assert (process.returncode, out, err) == (0, "closed\nleft\n", "")
    finally:
        process.kill()


async def test_an_endless_answer_does_not_hold_up_the_end() -> None:
    port = free_port()
    process = start(port, 1)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            asking = await begun(client, process, "/endless")
            process.send_signal(signal.SIGTERM)
            out, _ = await asyncio.to_thread(process.communicate, timeout=SLOW_SECONDS)
            assert (process.returncode, out) == (0, "closed\nleft\n")
            await asyncio.gather(asking, return_exceptions=True)
    finally:
        process.kill()


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        taken_port = taken.getsockname()[1]
        process = start(taken_port)
        try:
            _, err = process.communicate(timeout=SLOW_SECONDS)
        finally:
            process.kill()
    assert process.returncode == 1
    (line,) = err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["port"]) == ("port_not_opened", taken_port)
    assert "Address already in use" in told["reason"]
