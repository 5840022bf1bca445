"""What moderation learns from others: that a subject exists."""

from datetime import UTC, date, datetime

from services.moderation.domain.flag import NoteAccount, NoteCampaign
from services.moderation.processes import accounts_followed, campaigns_followed
from shared.contracts import campaigns, identity
from shared.testing.scenario import assert_total, took

AT = datetime(2026, 5, 10, tzinfo=UTC)

registered = identity.AccountRegistered("influencer-1", "influencer", "active")
drafted = campaigns.CampaignDrafted(
    "campaign-1", "sponsor-1", "Spring", "Sales", "Shoes", "running", 100_000, "EUR", date(2026, 5, 1),
    date(2026, 5, 31), "public",
)  # fmt: skip


def test_a_registered_account_is_noted() -> None:
    took(accounts_followed).when(registered, AT).then(NoteAccount("influencer-1", "influencer"))
    assert accounts_followed.route(registered) == "influencer-1"
    assert_total(accounts_followed, [registered])


def test_a_drafted_campaign_is_noted() -> None:
    took(campaigns_followed).when(drafted, AT).then(NoteCampaign("campaign-1", "sponsor-1"))
    assert campaigns_followed.route(drafted) == "campaign-1"
    assert_total(campaigns_followed, [drafted])
