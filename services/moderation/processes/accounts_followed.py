"""Follows identity: who exists can be flagged."""

from datetime import datetime

from services.moderation.domain.flag import NoteAccount
from shared.contracts import identity
from shared.kernel.record import record

NAME = "accounts_followed"

LISTENS: tuple[type, ...] = (identity.AccountRegistered,)


@record
class Followed:
    """Nothing to remember: noting twice changes nothing."""


INITIAL = Followed()


def route(event: identity.AccountRegistered) -> str | None:
    """One instance per account."""
    return event.account_id


def evolve(state: Followed, event: identity.AccountRegistered) -> Followed:
    """Remember nothing."""
    return state


def react(event: identity.AccountRegistered, state: Followed, at: datetime) -> list[NoteAccount]:
    """Note the account."""
    return [NoteAccount(event.account_id, event.role)]
