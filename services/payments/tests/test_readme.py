"""The tables of the README are what the code does."""

from pathlib import Path

from services.payments.application import DEADLINES, Policy, handlers
from services.payments.domain import account, escrow, topup, waiting, withdrawal
from services.payments.processes import settlement
from shared.accounts import accounts_followed, standing
from shared.kernel import amount
from shared.testing.readme import Readme, codes_of, names_of

readme = Readme(Path(__file__).parents[1] / "README.md")
modules = (account, escrow, standing, topup, waiting, withdrawal)
processes = (settlement, accounts_followed)


def test_every_command_event_message_deadline_and_refusal_is_in_it() -> None:
    assert readme.names("Commands", 0) == names_of(handlers(Policy()))
    assert readme.names("Deadlines", 0) == set(DEADLINES)
    assert readme.names("Events", 0) == names_of(kind for module in modules for kind in module.EVENTS.values())
    assert readme.names("Listens to", 0) == {process.NAME for process in processes}
    assert readme.names("Listens to", 1) == names_of(kind for process in processes for kind in process.LISTENS)
    assert readme.codes() == codes_of((*modules, amount))
