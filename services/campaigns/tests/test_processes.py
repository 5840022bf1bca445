"""What campaigns does when others tell of flags and deals."""

from datetime import UTC, datetime

from services.campaigns.domain.application import AcceptApplication
from services.campaigns.domain.campaign import ReinstateCampaign, SuspendCampaign
from services.campaigns.processes import moderation_followed, selection
from shared.contracts import adrequests, campaigns, moderation
from shared.testing.scenario import assert_total, took

AT = datetime(2026, 5, 10, tzinfo=UTC)
A = "sponsor-1"


def test_a_flagged_campaign_is_suspended_and_an_unflagged_one_reinstated() -> None:
    flagged = moderation.CampaignFlagged("flag-1", "campaign-1", A, "fraud", "admin-1")
    unflagged = moderation.CampaignUnflagged("flag-1", "campaign-1", A, "cleared", "admin-1")
    took(moderation_followed).when(flagged, AT).then(SuspendCampaign("campaign-1", "fraud"))
    took(moderation_followed, flagged).when(unflagged, AT).then(ReinstateCampaign("campaign-1"))
    assert moderation_followed.route(flagged) == moderation_followed.route(unflagged) == "campaign-1"


submitted = campaigns.ApplicationSubmitted("application-1", "campaign-1", A, "influencer-1", None, None)
agreed = adrequests.DealAgreed(
    "deal-1",
    "ad-request-1",
    "campaign-1",
    A,
    "influencer-1",
    2,
    5_000,
    "EUR",
    "One reel",
    "hash",
    "sponsor",
    AT,
    "sent",
)


def test_a_deal_accepts_the_application_in_either_order_and_again_changes_nothing_more() -> None:
    accept = AcceptApplication("application-1")
    took(selection).when(submitted, AT).then()
    took(selection, submitted).when(agreed, AT).then(accept)
    took(selection).when(agreed, AT).then()
    took(selection, agreed).when(submitted, AT).then(accept)
    took(selection, submitted, agreed).when(agreed, AT).then(accept)  # which the application answers with nothing
    assert selection.route(submitted) == selection.route(agreed) == "campaign-1:influencer-1"
    assert_total(selection, [submitted, agreed])
