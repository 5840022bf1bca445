"""While a journey is under way every process of the platform is killed once, and nobody notices but the operator."""

import asyncio
import os
import signal

from deploy.local.client import Client
from deploy.local.journey import Journey, Step
from deploy.local.verify import verify_all
from tests.conftest import Platform

VICTIMS = [
    f"{service}-{role}"
    for service in ("identity", "campaigns", "adrequests", "payments", "moderation")
    for role in ("worker", "api")
] + ["gateway-projector", "gateway-api"]


class Killer:
    """Kills one process after each step of a journey."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.left = list(VICTIMS)
        self.killed: dict[str, int] = {}

    def __call__(self, step: Step) -> None:
        if self.left:
            name = self.left.pop(0)
            self.killed[name] = self.platform.pid(name)
            os.kill(self.killed[name], signal.SIGKILL)


async def figures(who: Client) -> dict[str, object]:
    """Return a dashboard without what tells one person from another."""
    return {
        name: value
        for name, value in (await who.read("/v1/dashboards/me")).body.items()
        if not name.endswith("_id") and name != "version"
    }


async def test_every_process_is_killed_once_and_the_journey_ends_as_if_nothing_had_happened(
    platform: Platform,
) -> None:
    state = platform.state
    calm = Journey(platform.gateway, state.admin_email, state.admin_password, patience=60)
    killer = Killer(platform)
    crashed = Journey(platform.gateway, state.admin_email, state.admin_password, tell=killer, patience=120)
    ends = []
    for journey in (calm, crashed):
        async with journey.open():
            await journey.go()
            ends.append([await figures(journey.sponsor), await figures(journey.influencer)])
    assert not killer.left
    assert ends[0] == ends[1]
    assert [step.name for step in calm.steps] == [step.name for step in crashed.steps]
    async with asyncio.timeout(60):
        while any(platform.pid(name) == pid for name, pid in killer.killed.items()):
            await asyncio.sleep(0.1)
    assert await verify_all(state)
