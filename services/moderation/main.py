"""moderation: `python -m services.moderation.main <role>`."""

from services.moderation.application import DEADLINES, HANDLERS
from services.moderation.domain import flag
from services.moderation.processes import accounts_followed, campaigns_followed
from services.moderation.publishing import publish
from shared.roles.cli import cli
from shared.roles.definition import Definition

DEFINITION = Definition(
    name="moderation",
    registries=(flag.EVENTS,),
    publish=publish,
    handlers=lambda settings: HANDLERS,
    deadlines=lambda settings: DEADLINES,
    processes=(accounts_followed, campaigns_followed),
    api="services.moderation.api",
)

if __name__ == "__main__":
    cli(DEFINITION)
