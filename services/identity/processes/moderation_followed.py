"""Follows moderation: a flagged account is restricted, an unflagged one free again."""

from datetime import datetime

from services.identity.domain.account import LiftRestriction, RestrictAccount
from shared.contracts import moderation
from shared.kernel.record import record

NAME = "moderation_followed"

LISTENS: tuple[type, ...] = (moderation.AccountFlagged, moderation.AccountUnflagged)

Message = moderation.AccountFlagged | moderation.AccountUnflagged


@record
class Followed:
    """Nothing to remember: each message says all."""


INITIAL = Followed()


def route(event: Message) -> str | None:
    """One instance per account."""
    return event.account_id


def evolve(state: Followed, event: Message) -> Followed:
    """Remember nothing."""
    return state


def react(event: Message, state: Followed, at: datetime) -> list[RestrictAccount | LiftRestriction]:
    """Do what the flag asks for."""
    match event:
        case moderation.AccountFlagged():
            return [RestrictAccount(event.account_id, event.reason)]
        case moderation.AccountUnflagged():
            return [LiftRestriction(event.account_id)]
