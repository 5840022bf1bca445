"""adrequests: `python -m services.adrequests.main <role>`."""

from services.adrequests import application, publishing
from services.adrequests.domain import budget, campaign, deal, negotiation, rating
from services.adrequests.processes import campaigns_followed, funding
from shared.accounts import accounts_followed, erasure, standing
from shared.roles.cli import cli
from shared.roles.definition import Definition

DEFINITION = Definition(
    name="adrequests",
    registries=tuple(module.EVENTS for module in (negotiation, budget, deal, rating, campaign, standing)),
    publish=publishing.publish,
    handlers=lambda settings: application.HANDLERS,
    deadlines=lambda settings: application.DEADLINES,
    processes=(funding, campaigns_followed, accounts_followed, erasure),
    api="services.adrequests.api",
)

if __name__ == "__main__":
    cli(DEFINITION)
