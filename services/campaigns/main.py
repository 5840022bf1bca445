"""campaigns: `python -m services.campaigns.main <role>`."""

from services.campaigns.application import DEADLINES, HANDLERS
from services.campaigns.domain import application, campaign
from services.campaigns.processes import moderation_followed, selection
from services.campaigns.publishing import publish
from shared.accounts import accounts_followed, erasure, standing
from shared.roles.cli import cli
from shared.roles.definition import Definition

DEFINITION = Definition(
    name="campaigns",
    registries=(campaign.EVENTS, application.EVENTS, standing.EVENTS),
    publish=publish,
    handlers=lambda settings: HANDLERS,
    deadlines=lambda settings: DEADLINES,
    processes=(accounts_followed, moderation_followed, selection, erasure),
    api="services.campaigns.api",
)

if __name__ == "__main__":
    cli(DEFINITION)
