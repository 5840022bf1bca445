"""The scenarios by name: each makes the moment certain at which a fault would show, and checks what must hold then."""

from deploy.local.plan import SERVICES
from tests.chaos.planted import commands, readers, restores
from tests.chaos.planted.stage import Scenario

SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        commands.hung_up_at_the_answers,
        commands.hung_up_at_the_head,
        commands.two_replicas_withdraw,
        commands.two_replicas_publish,
        commands.restricted_meanwhile,
        commands.old_event,
        readers.hung_up_at_the_checkpoint,
        readers.hung_up_at_the_rows,
        readers.two_projectors,
        readers.nothing_more,
        readers.parked_key,
        readers.stopped_relay,
        readers.live_dashboard,
        restores.restored_store,
    )
}

#: The services that a scenario needs, where it does not need them all.
MONEY = frozenset({"identity", "payments", "gateway"})
NEEDED = {
    commands.two_replicas_withdraw.__name__: frozenset(SERVICES) - {"moderation"},
    commands.restricted_meanwhile.__name__: MONEY | {"moderation"},
    readers.nothing_more.__name__: frozenset(SERVICES) - {"moderation"},
}


def needed(scenario: str) -> frozenset[str]:
    """Return the services that have to run for a scenario."""
    return NEEDED.get(scenario, MONEY)
