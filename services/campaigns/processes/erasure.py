"""When a person is erased, the messages of their applications go with them."""

from datetime import datetime

from services.campaigns.domain.application import EraseMessages
from shared.contracts import identity
from shared.kernel.record import record

NAME = "erasure"

LISTENS: tuple[type, ...] = (identity.PersonErased,)


@record
class Erasing:
    """Nothing to remember: erasing twice erases nothing more."""


INITIAL = Erasing()


def route(event: identity.PersonErased) -> str | None:
    """One instance per account."""
    return event.account_id


def evolve(state: Erasing, event: identity.PersonErased) -> Erasing:
    """Remember nothing."""
    return state


def react(event: identity.PersonErased, state: Erasing, at: datetime) -> list[EraseMessages]:
    """Erase what the person wrote."""
    return [EraseMessages(event.account_id)]
