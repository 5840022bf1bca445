"""Scenarios about databases that are restored from a backup."""

from deploy.local.verbs import operate
from tests.chaos import checks
from tests.chaos.checks import Broken
from tests.chaos.planted.levers import backup
from tests.chaos.planted.stage import AMOUNT, Stage


async def restored_store(stage: Stage) -> None:
    """Payments is restored from a backup after people have gone on; it says so, and readers go on with it."""
    market = stage.market
    sponsors = await stage.known_to_payments()
    async with backup(stage.state, "payments") as kept:
        told = len(market.told)
        for sponsor in sponsors:
            await market.top_up(sponsor, AMOUNT)
        await checks.taken(stage.state)
        del market.told[told:]  # a backup is of its time: what came later is lost, to everybody
        await kept.restore()
    said = await _operate(stage, "payments", "restored")
    adopt = said.rpartition("adopt ")[2].split()
    for service in sorted(stage.state.settings.keys() - {"payments"}):
        await _operate(stage, service, "adopt", *adopt)
    await _operate(stage, "gateway", "rebuild")
    for sponsor in sponsors:
        await market.top_up(sponsor, AMOUNT)
    await checks.verified(stage.state, "payments")
    await stage.read_models_equal_their_rebuild()
    await checks.money_adds_up(market)
    await stage.happened_as_told()


async def _operate(stage: Stage, service: str, *verb: str) -> str:
    status, said = await operate(service, stage.state.settings[service], *verb)
    if status != 0:
        raise Broken("scenario", f"{service}: {' '.join(verb)}: {said}")
    return said
