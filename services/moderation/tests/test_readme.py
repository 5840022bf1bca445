"""The tables of the README are what the code does."""

from pathlib import Path

from services.moderation.application import HANDLERS
from services.moderation.domain import flag
from services.moderation.processes import accounts_followed, campaigns_followed
from shared.testing.readme import Readme, codes_of, names_of

readme = Readme(Path(__file__).parents[1] / "README.md")
modules = (flag,)
processes = (accounts_followed, campaigns_followed)


def test_every_command_event_message_and_refusal_is_in_it() -> None:
    assert readme.names("Commands", 0) == names_of(HANDLERS)
    assert readme.names("Events", 0) == names_of(kind for module in modules for kind in module.EVENTS.values())
    assert readme.names("Listens to", 0) == {process.NAME for process in processes}
    assert readme.names("Listens to", 1) == names_of(kind for process in processes for kind in process.LISTENS)
    assert readme.codes() == codes_of(modules)
