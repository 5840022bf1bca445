"""`make bench-gateway`: what the gateway answers and forwards, against nginx and against its own bare server.

The platform is the real one with everything on: token check, rate limit, metrics, access log, trace. Load comes from
wrk over 64 kept connections; one worker of ours is measured against one worker of nginx.
"""

import asyncio
import http.client
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil

from bench import room, tools
from bench.figures import measure, ratio, report, say
from bench.rivals import nginx
from bench.room import Room, Sponsor
from deploy.local import ports
from deploy.local.trouble import Trouble

SECONDS = 5.0  # of each measurement
DASHBOARD = "/v1/dashboards/me"
PROFILE = "/v1/accounts/me"  # forwarded to identity, which reads its store for it
KEYS = "/.well-known/jwks.json"  # forwarded to identity, which has it in memory: the forwarding itself


def get(url: str, sponsor: Sponsor) -> bytes:
    """Return a body; raises Trouble for any answer but 200."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request("GET", f"/{path}", headers={"authorization": f"Bearer {sponsor.token}"})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise Trouble(f"{url} answers {answer.status}")
    return body


def loaded(url: str, sponsor: Sponsor) -> tools.Load:
    """Ask for so long as somebody who is signed in."""
    return tools.wrk(url, SECONDS, headers=[f"Authorization: Bearer {asyncio.run(sponsor.fresh_token())}"])


def rate(url: str, sponsor: Sponsor) -> float:
    """Return the answers per second."""
    return loaded(url, sponsor).rate


def cpu_us(url: str, pid: int, sponsor: Sponsor) -> float:
    """Return the microseconds of CPU that a process spends on one answer, user and system."""
    process = psutil.Process(pid)
    asyncio.run(sponsor.fresh_token())  # signing in is no part of it
    before = process.cpu_times()
    load = loaded(url, sponsor)
    after = process.cpu_times()
    return (after.user - before.user + after.system - before.system) * 1e6 / load.requests


def same_bytes(sponsor: Sponsor, *urls: str) -> None:
    """Raise Trouble unless all of these answer the same: what is compared must be the same work."""
    if len({get(url, sponsor) for url in urls}) != 1:
        raise Trouble(f"not the same bytes: {', '.join(urls)}")


def compared(opened: Room, sponsor: Sponsor, file: Path) -> int:
    """Measure everything, on a platform that runs, and say how it went."""
    ours = opened.state.gateway_url
    bare_port = ports.any_free()
    bare = f"http://{ports.LOOPBACK}:{bare_port}/"
    with (
        nginx.running(opened.folder, file, opened.address("identity-api")) as limit,
        opened.python("bare", bare_port, "bench.rivals.bare", str(bare_port), str(file)) as child,
    ):
        same_bytes(sponsor, ours + DASHBOARD, f"{limit}/static", bare)
        same_bytes(sponsor, ours + PROFILE, limit + PROFILE)
        same_bytes(sponsor, ours + KEYS, limit + KEYS)
        ways: dict[str, Callable[[], float]] = {
            "hot dashboard": partial(rate, ours + DASHBOARD, sponsor),
            "nginx, the same bytes as a file": partial(rate, f"{limit}/static", sponsor),
            "forwarded profile": partial(rate, ours + PROFILE, sponsor),
            "nginx forwards the profile": partial(rate, limit + PROFILE, sponsor),
            "forwarded keys": partial(rate, ours + KEYS, sponsor),
            "nginx forwards the keys": partial(rate, limit + KEYS, sponsor),
            "CPU of a hot dashboard, us": partial(cpu_us, ours + DASHBOARD, opened.pid("gateway-api"), sponsor),
            "CPU of the bare server, us": partial(cpu_us, bare, child.pid, sponsor),
        }
        for way in ways.values():
            tools.warm(way)
        found = measure(ways)
    figures = [
        ratio("hot-read-to-nginx-static", found, "hot dashboard", "nginx, the same bytes as a file", 0.15),
        ratio("forwarded-profile-to-nginx", found, "forwarded profile", "nginx forwards the profile", 0.40),
        ratio("forwarded-keys-to-nginx", found, "forwarded keys", "nginx forwards the keys", 0.40),
        ratio(
            "cpu-of-the-stack-to-bare",
            found,
            "CPU of a hot dashboard, us",
            "CPU of the bare server, us",
            1.25,
            at_least=False,
        ),
    ]
    return report(found, "per second; CPU per request", figures)


def main() -> int:
    try:
        tools.need("nginx", "wrk")
        say("starting the platform")
        with room.opened() as opened:
            sponsor = room.sponsor(opened.state.gateway_url)
            asyncio.run(sponsor.arrive(drafts=1))
            file = opened.folder / "dashboard.json"
            file.write_bytes(get(sponsor.gateway + DASHBOARD, sponsor))
            return compared(opened, sponsor, file)
    except Trouble as trouble:
        say(f"error: {trouble}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
