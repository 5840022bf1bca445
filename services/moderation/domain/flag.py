"""A flag on a subject, a campaign or an account: clear -> flagged -> clear ...

The subject is known by what its owner told; what nobody told of cannot be flagged. What follows from a flag is decided
by the services that follow it.
"""

from shared.kernel.record import record
from shared.kernel.rejected import Kind, Rejected

CATEGORY = "flag"

#: Why something is flagged.
FLAG_REASONS = (
    "tos_violation", "inappropriate_content", "fake_traffic", "fraud", "spam", "brand_abuse", "undisclosed_ad",
    "non_delivery", "payment_abuse", "impersonation",
)  # fmt: skip

#: Why a flag is taken away.
UNFLAG_REASONS = ("cleared", "remedied", "mistaken")

# Commands


@record
class NoteCampaign:
    """Of the process `campaigns_followed`."""

    campaign_id: str
    sponsor_id: str


@record
class NoteAccount:
    """Of the process `accounts_followed`."""

    account_id: str
    role: str


@record
class FlagCampaign:
    flag_id: str
    campaign_id: str
    reason: str
    by: str


@record
class UnflagCampaign:
    campaign_id: str
    reason: str
    by: str


@record
class FlagAccount:
    flag_id: str
    account_id: str
    reason: str
    by: str


@record
class UnflagAccount:
    account_id: str
    reason: str
    by: str


Command = NoteCampaign | NoteAccount | FlagCampaign | UnflagCampaign | FlagAccount | UnflagAccount

# Events


@record
class CampaignNoted:
    campaign_id: str
    sponsor_id: str


@record
class AccountNoted:
    account_id: str
    role: str


@record
class CampaignFlagged:
    flag_id: str
    campaign_id: str
    sponsor_id: str
    reason: str
    by: str


@record
class CampaignUnflagged:
    flag_id: str
    campaign_id: str
    sponsor_id: str
    reason: str
    by: str


@record
class AccountFlagged:
    flag_id: str
    account_id: str
    role: str
    reason: str
    by: str


@record
class AccountUnflagged:
    flag_id: str
    account_id: str
    role: str
    reason: str
    by: str


Event = CampaignNoted | AccountNoted | CampaignFlagged | CampaignUnflagged | AccountFlagged | AccountUnflagged

EVENTS: dict[str, type] = {
    "moderation.CampaignNoted.v1": CampaignNoted,
    "moderation.AccountNoted.v1": AccountNoted,
    "moderation.CampaignFlagged.v1": CampaignFlagged,
    "moderation.CampaignUnflagged.v1": CampaignUnflagged,
    "moderation.AccountFlagged.v1": AccountFlagged,
    "moderation.AccountUnflagged.v1": AccountUnflagged,
}

# States


@record
class Unknown:
    """Nobody told of this subject."""


@record
class Campaign:
    sponsor_id: str
    flag_id: str | None = None  # None: clear


@record
class Account:
    role: str
    flag_id: str | None = None  # None: clear


State = Unknown | Campaign | Account

INITIAL: State = Unknown()

# Refusals


class CampaignUnknown(Rejected):
    code = "campaign-unknown"
    kind = Kind.MISSING
    text = "There is no such campaign."


class AccountUnknown(Rejected):
    code = "account-unknown"
    kind = Kind.MISSING
    text = "There is no such account."


class AlreadyFlagged(Rejected):
    code = "already-flagged"
    text = "It is flagged already."


class NotFlagged(Rejected):
    code = "not-flagged"
    text = "It is not flagged."


class AdminsAreNotFlagged(Rejected):
    code = "admins-are-not-flagged"
    kind = Kind.FORBIDDEN
    text = "An admin is not flagged by another."


class ReasonUnknown(Rejected):
    code = "reason-unknown"
    kind = Kind.VALUE
    field = "reason"
    text = "This reason code is not known."


def decide(command: Command, state: State) -> list[Event]:
    """Subjects are noted once; flags go on and off, each by an admin with a reason."""
    match command, state:
        case NoteCampaign(id, sponsor_id), Unknown():
            return [CampaignNoted(id, sponsor_id)]
        case NoteAccount(id, role), Unknown():
            return [AccountNoted(id, role)]
        case ((NoteCampaign() | NoteAccount()), _):
            return []
        case FlagCampaign(flag_id, id, reason, by), Campaign(sponsor_id, None):
            return [CampaignFlagged(flag_id, id, sponsor_id, known(reason, FLAG_REASONS), by)]
        case UnflagCampaign(id, reason, by), Campaign(sponsor_id, str() as flag_id):
            return [CampaignUnflagged(flag_id, id, sponsor_id, known(reason, UNFLAG_REASONS), by)]
        case FlagAccount(), Account(role="admin"):
            raise AdminsAreNotFlagged
        case FlagAccount(flag_id, id, reason, by), Account(role, None):
            return [AccountFlagged(flag_id, id, role, known(reason, FLAG_REASONS), by)]
        case UnflagAccount(id, reason, by), Account(role, str() as flag_id):
            return [AccountUnflagged(flag_id, id, role, known(reason, UNFLAG_REASONS), by)]
        case FlagCampaign(), Campaign():
            raise AlreadyFlagged
        case FlagAccount(), Account():
            raise AlreadyFlagged
        case UnflagCampaign(), Campaign():
            raise NotFlagged
        case UnflagAccount(), Account():
            raise NotFlagged
        case ((FlagCampaign() | UnflagCampaign()), _):
            raise CampaignUnknown
        case _:
            raise AccountUnknown


def known(reason: str, reasons: tuple[str, ...]) -> str:
    """Return the reason, or refuse one that is not in the list."""
    if reason not in reasons:
        raise ReasonUnknown
    return reason


def evolve(state: State, event: Event) -> State:
    """Return the subject after an event."""
    match event, state:
        case CampaignNoted(), Unknown():
            return Campaign(event.sponsor_id)
        case AccountNoted(), Unknown():
            return Account(event.role)
        case CampaignFlagged(), Campaign():
            return Campaign(state.sponsor_id, event.flag_id)
        case CampaignUnflagged(), Campaign():
            return Campaign(state.sponsor_id)
        case AccountFlagged(), Account():
            return Account(state.role, event.flag_id)
        case AccountUnflagged(), Account():
            return Account(state.role)
        case _:
            return state
