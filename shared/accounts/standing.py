"""The standing of an account as a service knows it: a stream in that service's own store, so that every command that
relies on it expects its version.

It follows identity. An account that identity has not yet told of may do what needs no approval; an erasure is the last
word.
"""

from shared.kernel.record import record
from shared.kernel.rejected import Kind, Rejected

CATEGORY = "standing"

# Commands


@record
class NoteStanding:
    """Of the process `accounts_followed`: how the account stands now."""

    account_id: str
    role: str  # sponsor, influencer, admin
    state: str  # pending_approval, active, rejected, erased
    restriction: str | None  # the flag's reason code


@record
class EraseTexts:
    """Of the process `erasure`: no event comes of it but the standing, the rows of what was written are deleted."""

    account_id: str
    role: str


Command = NoteStanding

# Events


@record
class StandingNoted:
    account_id: str
    role: str
    state: str
    restriction: str | None


Event = StandingNoted

EVENTS: dict[str, type] = {"accounts.StandingNoted.v1": StandingNoted}

# States


@record
class Standing:
    role: str = "unknown"
    state: str = "unknown"  # unknown, pending_approval, active, rejected, erased
    restriction: str | None = None


State = Standing

INITIAL: State = Standing()

# Refusals


class AccountRestricted(Rejected):
    code = "account-restricted"
    kind = Kind.FORBIDDEN
    text = "The account is restricted ({reason}): it may read, not act."


class AccountErased(Rejected):
    code = "account-erased"
    kind = Kind.FORBIDDEN
    text = "The account is erased."


class SponsorNotApproved(Rejected):
    code = "sponsor-not-approved"
    kind = Kind.FORBIDDEN
    text = "The sponsor is not approved."


def decide(command: Command, state: State) -> list[Event]:
    """What is known already changes nothing, and nothing follows an erasure."""
    noted = Standing(command.role, command.state, command.restriction)
    if state.state == "erased" or noted == state:
        return []
    return [StandingNoted(command.account_id, command.role, command.state, command.restriction)]


def must_be_able_to_act(state: State) -> None:
    """Refuse the erased and the restricted."""
    if state.state == "erased":
        raise AccountErased
    if state.restriction is not None:
        raise AccountRestricted(reason=state.restriction)


def must_be_approved(state: State) -> None:
    """Refuse all but approved sponsors."""
    must_be_able_to_act(state)
    if (state.role, state.state) != ("sponsor", "active"):
        raise SponsorNotApproved


def evolve(state: State, event: Event) -> State:
    """Return the standing that was noted last."""
    return Standing(event.role, event.state, event.restriction)
