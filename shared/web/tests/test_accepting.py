"""Connections get in, however many come at once, and in spite of what there is too little of."""

import asyncio
import json
import socket
import subprocess
import sys
import textwrap
from contextlib import ExitStack

import uvloop

from shared.web.accepting import Listener
from shared.web.tests.running import PATIENCE_SECONDS, free_port

MANY = 300


class Counting(asyncio.Protocol):
    made = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        type(self).made += 1


def test_all_that_wait_get_in_within_a_few_rounds_of_the_loop() -> None:
    async def main() -> None:
        port = free_port()
        listener = Listener("127.0.0.1", port, Counting)
        with ExitStack() as stack:
            for _ in range(MANY):  # the system's part is done by itself
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            rounds = 0
            async with asyncio.timeout(PATIENCE_SECONDS):
                while Counting.made < MANY:
                    rounds += 1
                    await asyncio.sleep(0)
            listener.close()
            await listener.wait_closed()
        assert rounds < MANY / 10

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


FEW_DESCRIPTORS = textwrap.dedent("""
    import asyncio, os, resource, sys
    from shared.web import logs
    from shared.web.accepting import Listener
    from shared.web.serve import run

    class Greeting(asyncio.Protocol):
        def connection_made(self, transport):
            transport.write(b"in")

    async def main():
        listener = Listener("127.0.0.1", int(sys.argv[1]), Greeting)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/dev/fd"))) + 5,) * 2)
        print("open", flush=True)
        await asyncio.Event().wait()

    logs.configure("few", "api", "error")
    run(main())
""")


def test_who_waits_while_there_are_no_descriptors_gets_in_afterwards() -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", FEW_DESCRIPTORS, str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with ExitStack() as stack:
            waiting = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(20)]
            for client in waiting:  # each gives its descriptor back to one of those behind it
                client.settimeout(PATIENCE_SECONDS)
                assert client.recv(2) == b"in"
                client.close()
    finally:
        process.kill()
        _, err = process.communicate()
    told = [json.loads(line) for line in err.splitlines()]
    assert {line["event"] for line in told} == {"connections_not_accepted"}
    assert len(told) < 20  # not as often as it could be asked
