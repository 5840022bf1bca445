"""When a person is erased, the private words that a service keeps of them go with them."""

from datetime import datetime

from shared.accounts.standing import EraseTexts
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


def react(event: identity.PersonErased, state: Erasing, at: datetime) -> list[EraseTexts]:
    """Erase what they wrote, and what was written to them."""
    return [EraseTexts(event.account_id, event.role)]
