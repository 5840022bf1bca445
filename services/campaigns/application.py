"""The index of campaigns: every command and who handles it. Messages go to their table, never into an event."""

from typing import Any

from services.campaigns.domain import application, campaign
from shared.accounts import standing
from shared.eventstore.handlers import DeadlineHandlers, Handlers, Reply, led_by, on
from shared.eventstore.work import Work
from shared.kernel.money import Money
from shared.kernel.record import record

KEEP_MESSAGE = """
INSERT INTO application_messages (application_id, sponsor_id, influencer_id, message, written_at)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"""
ERASE_TEXTS = "DELETE FROM application_messages WHERE influencer_id = $1"


@record
class Apply:
    """An influencer would like to join a campaign, with private words for the sponsor."""

    application_id: str
    campaign_id: str
    by: str
    price: Money | None
    message: str


async def able(work: Work, command: Any) -> None:
    """Refuse who is restricted or erased; the standing stands until the commit."""
    standing.must_be_able_to_act(await work.load(standing, command.by))


async def approved(work: Work, command: Any) -> None:
    """Refuse who is not an approved sponsor."""
    standing.must_be_approved(await work.load(standing, command.by))


async def apply(work: Work, command: Apply) -> Reply:
    """Submit an application to a campaign that is open at this moment, once."""
    await able(work, command)
    opening = campaign.opening(await work.load(campaign, command.campaign_id), work.now.date())
    if (await work.load(standing, opening.sponsor_id)).state == "erased":
        raise campaign.CampaignUnknown
    id = command.application_id
    await work.decide(application, id, application.SubmitApplication(id, command.by, opening, command.price))
    work.claim("application", f"{command.campaign_id}:{command.by}", id, application.AppliedBefore())
    work.write(KEEP_MESSAGE, id, opening.sponsor_id, command.by, command.message, work.now)
    return {"id": id, "revision": work.revision(application, id)}


async def erase_texts(work: Work, command: standing.EraseTexts) -> Reply:
    """Delete what the person wrote, and note the erasure in the same commit: nothing is written behind it."""
    id = command.account_id
    await work.decide(standing, id, standing.NoteStanding(id, command.role, "erased", None))
    work.write(ERASE_TEXTS, id)
    return {}


HANDLERS: Handlers = {
    campaign.DraftCampaign: on(campaign, "campaign_id", able),
    campaign.EditCampaign: on(campaign, "campaign_id", able),
    campaign.PublishCampaign: on(campaign, "campaign_id", approved),
    campaign.CompleteCampaign: on(campaign, "campaign_id", able),
    campaign.CancelCampaign: on(campaign, "campaign_id", able),
    campaign.SuspendCampaign: on(campaign, "campaign_id"),
    campaign.ReinstateCampaign: on(campaign, "campaign_id"),
    Apply: led_by(application, "application_id", apply),
    application.WithdrawApplication: on(application, "application_id", able),
    application.RejectApplication: on(application, "application_id", able),
    application.AcceptApplication: on(application, "application_id"),
    standing.NoteStanding: on(standing, "account_id"),
    standing.EraseTexts: led_by(standing, "account_id", erase_texts),
}

DEADLINES: DeadlineHandlers = {}
