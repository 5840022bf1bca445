"""Logs: one JSON object a line, no values of exceptions, and a flood held to its first and last line."""

import logging
import subprocess
import sys
import textwrap
from typing import Any

import orjson

from shared.web.flood import Throttle


def lines_of(program: str) -> list[dict[str, Any]]:
    """Run a program of its own, since logging is global, and return what it logged."""
    done = subprocess.run(
        [sys.executable, "-c", "from shared.web import logs, tracing\n" + textwrap.dedent(program)],
        capture_output=True,
        timeout=180,
        check=True,
    )
    assert done.stdout == b""
    return [orjson.loads(line) for line in done.stderr.splitlines()]


def test_every_line_is_json_with_its_service_role_and_correlation() -> None:
    own, foreign, *more = lines_of("""
        import logging, structlog
        logs.configure("payments", "api", "info")
        context = tracing.begin()
        structlog.get_logger().info("hello", n=1, what={1: object})
        structlog.get_logger().debug("not this")
        logging.getLogger("somebody").warning("ta%s", "daa")
        logging.getLogger("uvicorn.access").info("not this")
    """)
    assert not more
    assert (own["event"], own["level"], own["n"]) == ("hello", "info", 1)
    assert (foreign["event"], foreign["level"], foreign["logger"]) == ("tadaa", "warning", "somebody")
    for line in (own, foreign):
        assert (line["service"], line["role"]) == ("payments", "api")
        assert line["correlation_id"]
        assert line["trace_id"]
        assert line["time"].endswith("+00:00")


def test_an_exception_leaves_its_type_and_places_but_no_values() -> None:
    lines = lines_of("""
        import logging, structlog
        logs.configure("payments", "worker")
        def fall():
            marked = "ada@example.org"
            try:
                int(marked)
            except ValueError as error:
                raise RuntimeError(marked) from error
        try:
            fall()
        except RuntimeError:
            structlog.get_logger().exception("own")
            logging.getLogger("somebody").exception("foreign")
    """)
    assert [line["event"] for line in lines] == ["own", "foreign"]
    for line in lines:
        assert line["error"] == ["RuntimeError", "ValueError"]
        assert line["at"][-1].endswith(" fall")
        assert "ada@" not in orjson.dumps(line).decode()


def test_a_flood_is_held_to_its_first_and_last_line() -> None:
    lines = lines_of("""
        import asyncio, logging
        logs.configure("payments", "worker")
        async def flood():
            for n in range(300):
                logging.getLogger("aiokafka.conn").error("no connection %d", n)
                logging.getLogger("somebody").error("else %d", n) if n < 3 else None
            await asyncio.sleep(1.5)
        asyncio.run(flood())
    """)
    flood = [line for line in lines if line["logger"] == "aiokafka.conn"]
    assert [line["event"] for line in flood] == ["no connection 0", "no connection 299"]
    assert flood[1]["left_out"] == 298
    assert len(lines) - len(flood) == 3


def test_without_a_loop_the_next_line_brings_the_last_one() -> None:
    written: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(record)

    handler = Keep()
    throttle = Throttle(handler)
    handler.addFilter(throttle)

    def say(n: int) -> None:
        handler.handle(logging.LogRecord("aiokafka", logging.ERROR, "", 0, "n %d", (n,), None))

    for n in range(5):
        say(n)
    assert [record.args for record in written] == [(0,)]
    for window in throttle._windows.values():
        window.ends_at = 0  # the second is over
    say(5)
    assert [record.args for record in written] == [(0,), (4,), (5,)]
    assert written[1].left_out == 3  # type: ignore[attr-defined]
