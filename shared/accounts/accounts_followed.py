"""Follows identity: how each account stands, as a guard for the commands of the service that runs this process."""

from datetime import datetime

from shared.accounts.standing import NoteStanding
from shared.contracts import identity
from shared.kernel.record import record, replace

NAME = "accounts_followed"

LISTENS: tuple[type, ...] = (
    identity.AccountRegistered,
    identity.AccountApproved,
    identity.AccountRejected,
    identity.AccountRestricted,
    identity.AccountRestrictionLifted,
    identity.PersonErased,
)

Message = (
    identity.AccountRegistered
    | identity.AccountApproved
    | identity.AccountRejected
    | identity.AccountRestricted
    | identity.AccountRestrictionLifted
    | identity.PersonErased
)


@record
class Followed:
    state: str = "unknown"
    restriction: str | None = None


INITIAL = Followed()


def route(event: Message) -> str | None:
    """One instance per account."""
    return event.account_id


def evolve(state: Followed, event: Message) -> Followed:
    """Fold what identity tells into the standing."""
    match event:
        case identity.AccountRegistered():
            return replace(state, state=event.state)
        case identity.AccountApproved():
            return replace(state, state="active")
        case identity.AccountRejected():
            return replace(state, state="rejected")
        case identity.AccountRestricted():
            return replace(state, restriction=event.reason)
        case identity.AccountRestrictionLifted():
            return replace(state, restriction=None)
        case identity.PersonErased():
            return replace(state, state="erased")


def react(event: Message, state: Followed, at: datetime) -> list[NoteStanding]:
    """Note the standing after each message."""
    return [NoteStanding(event.account_id, event.role, state.state, state.restriction)]
