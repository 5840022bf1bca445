"""`make demo`: the whole journey through the gateway of the running platform; fails when a step is not seen in 2 s."""

import asyncio
import sys

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


def main() -> None:
    try:
        state = running.load()
        journey = Journey(state.gateway_url, state.admin_email, state.admin_password, tell)
        asyncio.run(journey.run())
    except (Trouble, Refused, NotSeen) as problem:
        sys.exit(f"the journey has failed: {problem}")
    slowest = max(step.seen_ms or 0 for step in journey.steps)
    print(f"\nthe journey is complete: {len(journey.steps)} steps, the slowest was seen after {slowest:.0f} ms")


if __name__ == "__main__":
    main()
