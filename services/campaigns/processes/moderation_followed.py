"""Follows moderation: a flagged campaign is suspended, an unflagged one reinstated."""

from datetime import datetime

from services.campaigns.domain.campaign import ReinstateCampaign, SuspendCampaign
from shared.contracts import moderation
from shared.kernel.record import record

NAME = "moderation_followed"

LISTENS: tuple[type, ...] = (moderation.CampaignFlagged, moderation.CampaignUnflagged)

Message = moderation.CampaignFlagged | moderation.CampaignUnflagged


@record
class Followed:
    """Nothing to remember: each message says all."""


INITIAL = Followed()


def route(event: Message) -> str | None:
    """One instance per campaign."""
    return event.campaign_id


def evolve(state: Followed, event: Message) -> Followed:
    """Remember nothing."""
    return state


def react(event: Message, state: Followed, at: datetime) -> list[SuspendCampaign | ReinstateCampaign]:
    """Do what the flag asks for."""
    match event:
        case moderation.CampaignFlagged():
            return [SuspendCampaign(event.campaign_id, event.reason)]
        case moderation.CampaignUnflagged():
            return [ReinstateCampaign(event.campaign_id)]
