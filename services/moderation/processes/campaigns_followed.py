"""Follows campaigns: what exists can be flagged, from its draft on."""

from datetime import datetime

from services.moderation.domain.flag import NoteCampaign
from shared.contracts import campaigns
from shared.kernel.record import record

NAME = "campaigns_followed"

LISTENS: tuple[type, ...] = (campaigns.CampaignDrafted,)


@record
class Followed:
    """Nothing to remember: noting twice changes nothing."""


INITIAL = Followed()


def route(event: campaigns.CampaignDrafted) -> str | None:
    """One instance per campaign."""
    return event.campaign_id


def evolve(state: Followed, event: campaigns.CampaignDrafted) -> Followed:
    """Remember nothing."""
    return state


def react(event: campaigns.CampaignDrafted, state: Followed, at: datetime) -> list[NoteCampaign]:
    """Note the campaign."""
    return [NoteCampaign(event.campaign_id, event.sponsor_id)]
