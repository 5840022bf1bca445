"""A published campaign as this service knows it: a stream, so that every command that relies on it expects it."""

from datetime import date

from shared.kernel.record import record
from shared.kernel.rejected import Kind, Rejected

CATEGORY = "campaign"

# Commands


@record
class NoteCampaign:
    """Of the process `campaigns_followed`: how the campaign stands now."""

    campaign_id: str
    sponsor_id: str
    currency: str
    ends_on: date
    state: str  # active, completed, cancelled
    suspended: bool


Command = NoteCampaign

# Events


@record
class CampaignNoted:
    campaign_id: str
    sponsor_id: str
    currency: str
    ends_on: date
    state: str
    suspended: bool


Event = CampaignNoted

EVENTS: dict[str, type] = {"adrequests.CampaignNoted.v1": CampaignNoted}

# States


@record
class Empty:
    """No such campaign, or a draft still."""


@record
class Campaign:
    campaign_id: str
    sponsor_id: str
    currency: str
    ends_on: date  # its last day, UTC
    state: str
    suspended: bool


State = Empty | Campaign

INITIAL: State = Empty()

# Refusals


class CampaignUnknown(Rejected):
    code = "campaign-unknown"
    kind = Kind.MISSING
    text = "There is no such campaign."


class CampaignSuspended(Rejected):
    code = "campaign-suspended"
    text = "The campaign is suspended by moderation: its offers are frozen."


class CampaignNotActive(Rejected):
    code = "campaign-not-active"
    text = "The campaign is {state}, not active."


class CampaignOver(Rejected):
    code = "campaign-over"
    text = "The campaign's last day, {ends_on}, is past."


def decide(command: Command, state: State) -> list[Event]:
    """What is known already changes nothing."""
    noted = CampaignNoted(
        command.campaign_id, command.sponsor_id, command.currency, command.ends_on, command.state, command.suspended
    )
    return [] if evolve(state, noted) == state else [noted]


def owned(state: State, sponsor_id: str) -> Campaign:
    """Return the sponsor's own campaign; for everybody else there is none."""
    if isinstance(state, Campaign) and state.sponsor_id == sponsor_id:
        return state
    raise CampaignUnknown


def must_be_open(state: State, on: date) -> None:
    """Refuse to come to terms in a campaign that is suspended, ended, or past its last day (UTC)."""
    match state:
        case Empty():
            raise CampaignUnknown
        case Campaign(suspended=True):
            raise CampaignSuspended
        case Campaign(state=ended) if ended != "active":
            raise CampaignNotActive(state=ended)
        case Campaign(ends_on=last) if last < on:
            raise CampaignOver(ends_on=last.isoformat())
        case _:
            return


def is_suspended(state: State) -> bool:
    """Tell whether moderation has frozen the campaign's offers."""
    return isinstance(state, Campaign) and state.suspended


def evolve(state: State, event: Event) -> State:
    """Return the campaign that was noted last."""
    return Campaign(event.campaign_id, event.sponsor_id, event.currency, event.ends_on, event.state, event.suspended)
