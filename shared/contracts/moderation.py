"""What moderation tells everybody: facts about flags. What follows from one is decided by each service for itself.

Routing key of every message: the flagged subject's id.
"""

from shared.kernel.record import record


@record
class CampaignFlagged:
    """An admin flagged a campaign."""

    flag_id: str
    campaign_id: str
    sponsor_id: str
    reason: str  # a code
    by: str  # the admin's account id


@record
class CampaignUnflagged:
    """An admin took the flag away."""

    flag_id: str
    campaign_id: str
    sponsor_id: str
    reason: str  # a code
    by: str


@record
class AccountFlagged:
    """An admin flagged an account."""

    flag_id: str
    account_id: str
    role: str  # sponsor, influencer
    reason: str  # a code
    by: str


@record
class AccountUnflagged:
    """An admin took the flag away."""

    flag_id: str
    account_id: str
    role: str
    reason: str  # a code
    by: str


MESSAGES: dict[str, type] = {
    "moderation.CampaignFlagged.v1": CampaignFlagged,
    "moderation.CampaignUnflagged.v1": CampaignUnflagged,
    "moderation.AccountFlagged.v1": AccountFlagged,
    "moderation.AccountUnflagged.v1": AccountUnflagged,
}
