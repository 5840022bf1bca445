"""The tables of the README are what the code does."""

from pathlib import Path

from services.campaigns.application import HANDLERS
from services.campaigns.domain import application, campaign, details
from services.campaigns.processes import moderation_followed, selection
from shared.accounts import accounts_followed, erasure, standing
from shared.testing.readme import Readme, codes_of, names_of

readme = Readme(Path(__file__).parents[1] / "README.md")
modules = (campaign, application, standing)
processes = (accounts_followed, moderation_followed, selection, erasure)


def test_every_command_event_message_and_refusal_is_in_it() -> None:
    assert readme.names("Commands", 0) == names_of(HANDLERS)
    assert readme.names("Events", 0) == names_of(kind for module in modules for kind in module.EVENTS.values())
    assert readme.names("Listens to", 0) == {process.NAME for process in processes}
    assert readme.names("Listens to", 1) == names_of(kind for process in processes for kind in process.LISTENS)
    assert readme.codes() == codes_of((*modules, details))
