"""The standing of an account as this service knows it: a stream, so that every command that relies on it expects it.

It follows identity; an account that identity has not yet told of may do what needs no approval.
"""

from shared.kernel.record import record
from shared.kernel.rejected import Kind, Rejected

CATEGORY = "standing"


@record
class NoteStanding:
    """Of the process `accounts_followed`: how the account stands now."""

    account_id: str
    state: str  # pending_approval, active, rejected, erased
    restriction: str | None  # the flag's reason code


Command = NoteStanding


@record
class StandingNoted:
    account_id: str
    state: str
    restriction: str | None


Event = StandingNoted

EVENTS: dict[str, type] = {"campaigns.StandingNoted.v1": StandingNoted}


@record
class Standing:
    state: str = "unknown"  # unknown, pending_approval, active, rejected, erased
    restriction: str | None = None


State = Standing

INITIAL: State = Standing()


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
    noted = Standing(command.state, command.restriction)
    return (
        []
        if noted == state or state.state == "erased"
        else [StandingNoted(command.account_id, command.state, command.restriction)]
    )


def evolve(state: State, event: Event) -> State:
    """Return the standing that was noted last."""
    return Standing(event.state, event.restriction)


def must_be_able_to_act(state: State) -> None:
    """Refuse the erased and the restricted."""
    if state.state == "erased":
        raise AccountErased
    if state.restriction is not None:
        raise AccountRestricted(reason=state.restriction)


def must_be_approved(state: State) -> None:
    """Refuse all but approved sponsors."""
    must_be_able_to_act(state)
    if state.state != "active":
        raise SponsorNotApproved
