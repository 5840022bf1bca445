"""An account: somebody in one role, let in or not.

Sponsors wait for an admin (pending_approval -> active | rejected), influencers are active at once, admins come only
from bootstrap. A restriction by moderation lies over the state and never changes it. Erasure ends all.
"""

from shared.kernel.record import record, replace
from shared.kernel.rejected import Kind, Rejected

CATEGORY = "account"

#: Why a sponsor may be turned away.
REJECTION_REASONS = ("identity_unconfirmed", "business_unconfirmed", "tos_violation", "fraud", "spam", "other")

# Commands


@record
class RegisterAccount:
    account_id: str
    role: str


@record
class BootstrapAdmin:
    """Of the operator, never of a route."""

    account_id: str


@record
class ApproveAccount:
    account_id: str


@record
class RejectAccount:
    account_id: str
    reason: str


@record
class RestrictAccount:
    """Of the process `moderation_followed`."""

    account_id: str
    reason: str


@record
class LiftRestriction:
    """Of the process `moderation_followed`."""

    account_id: str


@record
class ErasePerson:
    account_id: str


Command = (
    RegisterAccount | BootstrapAdmin | ApproveAccount | RejectAccount | RestrictAccount | LiftRestriction | ErasePerson
)

# Events


@record
class AccountRegistered:
    account_id: str
    role: str
    state: str


@record
class AccountApproved:
    account_id: str
    role: str


@record
class AccountRejected:
    account_id: str
    role: str
    reason: str


@record
class AccountRestricted:
    account_id: str
    role: str
    state: str
    reason: str


@record
class AccountRestrictionLifted:
    account_id: str
    role: str
    state: str


@record
class PersonErased:
    account_id: str
    role: str
    previous: str
    restricted: bool


Event = (
    AccountRegistered | AccountApproved | AccountRejected | AccountRestricted | AccountRestrictionLifted | PersonErased
)

EVENTS: dict[str, type] = {
    "identity.AccountRegistered.v1": AccountRegistered,
    "identity.AccountApproved.v1": AccountApproved,
    "identity.AccountRejected.v1": AccountRejected,
    "identity.AccountRestricted.v1": AccountRestricted,
    "identity.AccountRestrictionLifted.v1": AccountRestrictionLifted,
    "identity.PersonErased.v1": PersonErased,
}

# States


@record
class Empty:
    """No such account."""


@record
class Account:
    account_id: str
    role: str  # sponsor, influencer, admin
    state: str  # pending_approval, active, rejected
    restriction: str | None = None  # the flag's reason code


@record
class Erased:
    account_id: str


State = Empty | Account | Erased

INITIAL: State = Empty()

# Refusals


class AccountUnknown(Rejected):
    code = "account-unknown"
    kind = Kind.MISSING
    text = "There is no such account."


class AccountExists(Rejected):
    code = "account-exists"
    text = "This account exists already."


class EmailTaken(Rejected):
    code = "email-taken"
    text = "An account with this e-mail address exists."


class RoleNotForRegistration(Rejected):
    code = "role-not-for-registration"
    kind = Kind.VALUE
    field = "role"
    text = "One registers as sponsor or influencer."


class ReasonUnknown(Rejected):
    code = "reason-unknown"
    kind = Kind.VALUE
    field = "reason"
    text = "This is no reason for turning a sponsor away."


class NotPendingApproval(Rejected):
    code = "not-pending-approval"
    text = "The account is {state}, not waiting for approval."


class AlreadyErased(Rejected):
    code = "already-erased"
    text = "The account is erased already."


class AdminsStay(Rejected):
    code = "admins-stay"
    kind = Kind.FORBIDDEN
    text = "An admin's account is not erased here: the platform would lose the one who answers for it."


class AccountRestrictedNow(Rejected):
    code = "account-restricted"
    kind = Kind.FORBIDDEN
    text = "The account is restricted ({reason}): it may read, not act."


class AccountTurnedAway(Rejected):
    code = "account-rejected"
    kind = Kind.FORBIDDEN
    text = "The account was turned away: it may read, not act."


def decide(command: Command, state: State) -> list[Event]:
    """Moderation's commands change nothing when they come twice, or for somebody who is erased."""
    match command, state:
        case RegisterAccount(id, "sponsor"), Empty():
            return [AccountRegistered(id, "sponsor", "pending_approval")]
        case RegisterAccount(id, "influencer"), Empty():
            return [AccountRegistered(id, "influencer", "active")]
        case RegisterAccount(), Empty():
            raise RoleNotForRegistration
        case BootstrapAdmin(id), Empty():
            return [AccountRegistered(id, "admin", "active")]
        case ((RegisterAccount() | BootstrapAdmin()), _):
            raise AccountExists
        case ApproveAccount(id), Account(state="pending_approval", role=role):
            return [AccountApproved(id, role)]
        case RejectAccount(id, reason), Account(state="pending_approval", role=role):
            if reason not in REJECTION_REASONS:
                raise ReasonUnknown
            return [AccountRejected(id, role, reason)]
        case ((ApproveAccount() | RejectAccount()), Account(state=now)):
            raise NotPendingApproval(state=now)
        case RestrictAccount(id, reason), Account(role=role, state=now, restriction=None):
            return [AccountRestricted(id, role, now, reason)]
        case LiftRestriction(id), Account(role=role, state=now, restriction=str()):
            return [AccountRestrictionLifted(id, role, now)]
        case ((RestrictAccount() | LiftRestriction()), _):
            return []
        case ErasePerson(), Account(role="admin"):
            raise AdminsStay
        case ErasePerson(id), Account(role=role, state=now, restriction=restriction):
            return [PersonErased(id, role, now, restriction is not None)]
        case ErasePerson(), Erased():
            raise AlreadyErased
        case _:
            raise AccountUnknown


def must_be_able_to_act(state: State) -> Account:
    """Return the account, or refuse: the erased, the restricted, the turned away. Waiting sponsors may act here."""
    match state:
        case Account(restriction=str() as reason):
            raise AccountRestrictedNow(reason=reason)
        case Account(state="rejected"):
            raise AccountTurnedAway
        case Account():
            return state
        case _:
            raise AccountUnknown


def evolve(state: State, event: Event) -> State:
    """Return the account after an event."""
    match event, state:
        case AccountRegistered(), Empty():
            return Account(event.account_id, event.role, event.state)
        case AccountApproved(), Account():
            return replace(state, state="active")
        case AccountRejected(), Account():
            return replace(state, state="rejected")
        case AccountRestricted(), Account():
            return replace(state, restriction=event.reason)
        case AccountRestrictionLifted(), Account():
            return replace(state, restriction=None)
        case PersonErased(), Account():
            return Erased(event.account_id)
        case _:
            return state
