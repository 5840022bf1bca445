"""The index of moderation: every command and who handles it."""

from services.moderation.domain import flag
from shared.eventstore.handlers import DeadlineHandlers, Handlers, on

HANDLERS: Handlers = {
    flag.NoteCampaign: on(flag, "campaign_id"),
    flag.NoteAccount: on(flag, "account_id"),
    flag.FlagCampaign: on(flag, "campaign_id"),
    flag.UnflagCampaign: on(flag, "campaign_id"),
    flag.FlagAccount: on(flag, "account_id"),
    flag.UnflagAccount: on(flag, "account_id"),
}

DEADLINES: DeadlineHandlers = {}
