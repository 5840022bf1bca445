"""Follows campaigns: a published one opens its budget, and guards the commands of this service as it stands."""

from datetime import date, datetime

from services.adrequests.domain.budget import OpenBudget
from services.adrequests.domain.campaign import NoteCampaign
from shared.contracts import campaigns
from shared.kernel.record import record, replace

NAME = "campaigns_followed"

LISTENS: tuple[type, ...] = (
    campaigns.CampaignPublished,
    campaigns.CampaignCompleted,
    campaigns.CampaignCancelled,
    campaigns.CampaignSuspended,
    campaigns.CampaignReinstated,
)

Message = (
    campaigns.CampaignPublished
    | campaigns.CampaignCompleted
    | campaigns.CampaignCancelled
    | campaigns.CampaignSuspended
    | campaigns.CampaignReinstated
)


@record
class Followed:
    """What was told so far; `ends_on` and `currency` come with the publication."""

    currency: str = ""
    ends_on: date | None = None
    state: str = "draft"
    suspended: bool = False


INITIAL = Followed()


def route(event: Message) -> str | None:
    """One instance per campaign."""
    return event.campaign_id


def evolve(state: Followed, event: Message) -> Followed:
    """Fold what campaigns tells."""
    match event:
        case campaigns.CampaignPublished():
            return replace(state, state="active", currency=event.currency, ends_on=event.ends_on)
        case campaigns.CampaignCompleted():
            return replace(state, state="completed")
        case campaigns.CampaignCancelled():
            return replace(state, state="cancelled")
        case campaigns.CampaignSuspended():
            return replace(state, suspended=True)
        case campaigns.CampaignReinstated():
            return replace(state, suspended=False)


def react(event: Message, state: Followed, at: datetime) -> list[OpenBudget | NoteCampaign]:
    """Open the budget that comes with the publication; note how a published campaign stands."""
    if state.ends_on is None:
        return []  # never published: nobody can ask for work in it
    id, sponsor_id = event.campaign_id, event.sponsor_id
    note = NoteCampaign(id, sponsor_id, state.currency, state.ends_on, state.state, state.suspended)
    if isinstance(event, campaigns.CampaignPublished):
        return [OpenBudget(id, sponsor_id, event.budget_minor, event.currency), note]
    return [note]
