"""`make demo`: the whole journey through the gateway of the running platform; fails when a step is not seen in 2 s.

The platform is the one that runs from this folder, or, where GATEWAY_URL is set, the one at that address, with
ADMIN_EMAIL and ADMIN_PASSWORD as its administrator.
"""

import asyncio
import os
import sys
from collections.abc import Mapping

from deploy.local import running
from deploy.local.client import Refused
from deploy.local.journey import Journey, NotSeen, Step
from deploy.local.trouble import Trouble

WIDTH = 72


def tell(step: Step) -> None:
    """Print one step: its name, what it returned, how long it took, when the next reader saw it."""
    seen = "" if step.seen_ms is None else f"  seen by the next reader after {step.seen_ms:6.1f} ms"
    took = f"{step.took_ms:7.1f} ms" if step.took_ms else " " * 10
    print(f"{step.name:<{WIDTH}} {took}{seen}")
    returned = step.returned if len(step.returned) <= 150 else step.returned[:147] + "..."
    print(f"    {returned}", flush=True)


def target(environment: Mapping[str, str]) -> tuple[str, str, str]:
    """Return the gateway's address and the administrator's email and password. Raises Trouble."""
    if not environment.get("GATEWAY_URL"):
        state = running.load()
        return state.gateway_url, state.admin_email, state.admin_password
    for name in ("ADMIN_EMAIL", "ADMIN_PASSWORD"):
        if not environment.get(name):
            raise Trouble(f"GATEWAY_URL is set without {name}: the journey begins with the administrator's sign-in")
    return environment["GATEWAY_URL"], environment["ADMIN_EMAIL"], environment["ADMIN_PASSWORD"]


def main() -> None:
    try:
        journey = Journey(*target(os.environ), tell)
        asyncio.run(journey.run())
    except (Trouble, Refused, NotSeen) as problem:
        sys.exit(f"the journey has failed: {problem}")
    slowest = max(step.seen_ms or 0 for step in journey.steps)
    print(f"\nthe journey is complete: {len(journey.steps)} steps, the slowest was seen after {slowest:.0f} ms")


if __name__ == "__main__":
    main()
