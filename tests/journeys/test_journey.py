"""The thin journey on the whole platform, over HTTP through the gateway only."""

from deploy.local.journey import Journey
from tests.conftest import PATIENCE_SECONDS, Platform


async def test_a_campaign_becomes_a_paid_deal(platform: Platform) -> None:
    state = platform.state
    journey = Journey(platform.gateway, state.admin_email, state.admin_password, patience=PATIENCE_SECONDS)
    await journey.run()
    assert journey.steps[-1].name == "the admin unflags it: it is back as it was"
