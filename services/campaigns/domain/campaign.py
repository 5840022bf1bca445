"""A campaign: what a sponsor wants promoted, by when and for how much.

draft -> active -> completed | cancelled. Suspension by moderation lies over the state and never changes it, so that a
reinstated campaign is exactly as it was.
"""

from datetime import date, datetime

from services.campaigns.domain.details import Changes, Details, changed, checked
from shared.kernel.record import record, replace
from shared.kernel.rejected import Kind, Rejected

CATEGORY = "campaign"

# Commands


@record
class DraftCampaign:
    campaign_id: str
    by: str
    details: Details


@record
class EditCampaign:
    campaign_id: str
    by: str
    changes: Changes


@record
class PublishCampaign:
    campaign_id: str
    by: str
    at: datetime


@record
class CompleteCampaign:
    campaign_id: str
    by: str


@record
class CancelCampaign:
    campaign_id: str
    by: str


@record
class SuspendCampaign:
    """Of the process `moderation_followed`."""

    campaign_id: str
    reason: str


@record
class ReinstateCampaign:
    """Of the process `moderation_followed`."""

    campaign_id: str


Command = (
    DraftCampaign
    | EditCampaign
    | PublishCampaign
    | CompleteCampaign
    | CancelCampaign
    | SuspendCampaign
    | ReinstateCampaign
)

# Events


@record
class CampaignDrafted:
    campaign_id: str
    sponsor_id: str
    details: Details


@record
class CampaignEdited:
    campaign_id: str
    sponsor_id: str
    details: Details
    previous_visibility: str


@record
class CampaignPublished:
    campaign_id: str
    sponsor_id: str
    details: Details


@record
class CampaignCompleted:
    campaign_id: str
    sponsor_id: str
    visibility: str


@record
class CampaignCancelled:
    campaign_id: str
    sponsor_id: str
    visibility: str
    previous: str


@record
class CampaignSuspended:
    campaign_id: str
    sponsor_id: str
    visibility: str
    state: str
    reason: str


@record
class CampaignReinstated:
    campaign_id: str
    sponsor_id: str
    visibility: str
    state: str


Event = (
    CampaignDrafted
    | CampaignEdited
    | CampaignPublished
    | CampaignCompleted
    | CampaignCancelled
    | CampaignSuspended
    | CampaignReinstated
)

EVENTS: dict[str, type] = {
    "campaigns.CampaignDrafted.v1": CampaignDrafted,
    "campaigns.CampaignEdited.v1": CampaignEdited,
    "campaigns.CampaignPublished.v1": CampaignPublished,
    "campaigns.CampaignCompleted.v1": CampaignCompleted,
    "campaigns.CampaignCancelled.v1": CampaignCancelled,
    "campaigns.CampaignSuspended.v1": CampaignSuspended,
    "campaigns.CampaignReinstated.v1": CampaignReinstated,
}

# States


@record
class Empty:
    """No such campaign."""


@record
class Campaign:
    campaign_id: str
    sponsor_id: str
    details: Details
    state: str = "draft"  # draft, active, completed, cancelled
    moderation_status: str = "clear"  # clear, suspended


State = Empty | Campaign

INITIAL: State = Empty()

# Refusals


class CampaignUnknown(Rejected):
    code = "campaign-unknown"
    kind = Kind.MISSING
    text = "There is no such campaign."


class CampaignNotDraft(Rejected):
    code = "campaign-not-draft"
    text = "The campaign is {state}, no draft any more."


class CampaignNotActive(Rejected):
    code = "campaign-not-active"
    text = "The campaign is {state}, not active."


class CampaignEnded(Rejected):
    code = "campaign-ended"
    text = "The campaign is {state} already."


class CampaignSuspendedNow(Rejected):
    code = "campaign-suspended"
    text = "The campaign is suspended by moderation."


class CampaignOver(Rejected):
    code = "campaign-over"
    text = "The campaign's last day, {ends_on}, is past."


class CampaignNotWithinDates(Rejected):
    code = "campaign-not-within-dates"
    text = "The campaign takes applications from {starts_on} to {ends_on}."


def decide(command: Command, state: State) -> list[Event]:
    """Moderation's commands change nothing when they come twice; all others are the sponsor's own."""
    match command, state:
        case SuspendCampaign(id, reason), Campaign(moderation_status="clear") as held:
            return [CampaignSuspended(id, held.sponsor_id, held.details.visibility, held.state, reason)]
        case ReinstateCampaign(id), Campaign(moderation_status="suspended") as held:
            return [CampaignReinstated(id, held.sponsor_id, held.details.visibility, held.state)]
        case SuspendCampaign() | ReinstateCampaign(), _:
            return []
        case DraftCampaign(id, by, details), Empty():
            return [CampaignDrafted(id, by, checked(details))]
        case _, Campaign(sponsor_id=owner) as own if owner == command.by:
            return _decide_own(command, own)
        case _:
            raise CampaignUnknown


def _decide_own(command: Command, own: Campaign) -> list[Event]:
    match command:
        case EditCampaign() | PublishCampaign() | DraftCampaign() if own.state != "draft":
            raise CampaignNotDraft(state=own.state)
        case EditCampaign(id, by, changes):
            edited = checked(changed(own.details, changes))
            return [CampaignEdited(id, by, edited, own.details.visibility)] if edited != own.details else []
        case PublishCampaign() if own.moderation_status == "suspended":
            raise CampaignSuspendedNow
        case PublishCampaign(at=at) if own.details.ends_on < at.date():
            raise CampaignOver(ends_on=own.details.ends_on.isoformat())
        case PublishCampaign(id, by):
            return [CampaignPublished(id, by, own.details)]
        case CompleteCampaign() if own.state != "active":
            raise CampaignNotActive(state=own.state)
        case CompleteCampaign() if own.moderation_status == "suspended":
            raise CampaignSuspendedNow
        case CompleteCampaign(id, by):
            return [CampaignCompleted(id, by, own.details.visibility)]
        case CancelCampaign() if own.state not in ("draft", "active"):
            raise CampaignEnded(state=own.state)
        case CancelCampaign(id, by):  # giving up is open to the suspended too
            return [CampaignCancelled(id, by, own.details.visibility, own.state)]
        case _:
            raise CampaignNotDraft(state=own.state)


@record
class Opening:
    """What an applicant meets in an open campaign."""

    campaign_id: str
    sponsor_id: str
    currency: str


def opening(state: State, on: date) -> Opening:
    """Return what can be applied for on a day (UTC); refuses unless public, active, not suspended, within dates.

    Drafts and private campaigns do not exist for those who were not invited.
    """
    match state:
        case Empty() | Campaign(state="draft") | Campaign(details=Details(visibility="private")):
            raise CampaignUnknown
        case Campaign(moderation_status="suspended"):
            raise CampaignSuspendedNow
        case Campaign(state="completed" | "cancelled"):
            raise CampaignNotActive(state=state.state)
        case Campaign(details=details) if not details.starts_on <= on <= details.ends_on:
            raise CampaignNotWithinDates(starts_on=details.starts_on.isoformat(), ends_on=details.ends_on.isoformat())
        case Campaign():
            return Opening(state.campaign_id, state.sponsor_id, state.details.currency)


def evolve(state: State, event: Event) -> State:
    """Return the campaign after an event."""
    match event, state:
        case CampaignDrafted(), Empty():
            return Campaign(event.campaign_id, event.sponsor_id, event.details)
        case CampaignEdited(), Campaign():
            return replace(state, details=event.details)
        case CampaignPublished(), Campaign():
            return replace(state, state="active", details=event.details)
        case CampaignCompleted(), Campaign():
            return replace(state, state="completed")
        case CampaignCancelled(), Campaign():
            return replace(state, state="cancelled")
        case CampaignSuspended(), Campaign():
            return replace(state, moderation_status="suspended")
        case CampaignReinstated(), Campaign():
            return replace(state, moderation_status="clear")
        case _:
            return state
