"""payments: `python -m services.payments.main <role>`."""

from datetime import timedelta

from services.payments import application, queries
from services.payments.application import Policy
from services.payments.domain import account, escrow, topup, waiting, withdrawal
from services.payments.processes import settlement
from services.payments.publishing import publish
from shared.accounts import accounts_followed, standing
from shared.eventstore.handlers import Handlers
from shared.roles.cli import cli
from shared.roles.definition import Definition
from shared.web.settings import Settings


def handlers(settings: Settings) -> Handlers:
    """Return the index of commands under the operator's policy."""
    hold = timedelta(hours=settings.payout_hold_hours)
    return application.handlers(Policy(settings.platform_fee_basis_points, hold))


DEFINITION = Definition(
    name="payments",
    registries=tuple(module.EVENTS for module in (account, escrow, standing, topup, waiting, withdrawal)),
    publish=publish,
    handlers=handlers,
    deadlines=lambda settings: application.DEADLINES,
    processes=(settlement, accounts_followed),
    api="services.payments.api",
    audits=(queries.balanced,),
)

if __name__ == "__main__":
    cli(DEFINITION)
