"""Which public message each private event becomes, and under which routing key: the flagged subject's."""

from services.moderation.domain import flag
from shared.contracts import moderation as public


def publish(event: object) -> tuple[object, str] | None:
    """Return the public message of an event with its routing key, or None where it has none."""
    match event:
        case flag.CampaignFlagged(flag_id, id, sponsor_id, reason, by):
            return public.CampaignFlagged(flag_id, id, sponsor_id, reason, by), id
        case flag.CampaignUnflagged(flag_id, id, sponsor_id, reason, by):
            return public.CampaignUnflagged(flag_id, id, sponsor_id, reason, by), id
        case flag.AccountFlagged(flag_id, id, role, reason, by):
            return public.AccountFlagged(flag_id, id, role, reason, by), id
        case flag.AccountUnflagged(flag_id, id, role, reason, by):
            return public.AccountUnflagged(flag_id, id, role, reason, by), id
        case _:
            return None
