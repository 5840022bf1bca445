"""What adrequests knows of campaigns, and with whom one may come to terms."""

from datetime import date

import pytest

from services.adrequests.domain import campaign, counterparty
from services.adrequests.domain.campaign import (
    Campaign,
    CampaignNotActive,
    CampaignNoted,
    CampaignOver,
    CampaignSuspended,
    CampaignUnknown,
    NoteCampaign,
)
from services.adrequests.domain.counterparty import InfluencerUnknown, OtherSideUnavailable
from services.adrequests.tests.samples import CAMPAIGN, LAST_DAY, SPONSOR
from shared.accounts.standing import Standing
from shared.kernel.rejected import Rejected
from shared.testing.scenario import assert_total, given

noted = CampaignNoted(CAMPAIGN, SPONSOR, "EUR", LAST_DAY, "active", False)
active = Campaign(CAMPAIGN, SPONSOR, "EUR", LAST_DAY, "active", False)


def test_a_campaign_is_noted_as_it_stands_and_once() -> None:
    note = NoteCampaign(CAMPAIGN, SPONSOR, "EUR", LAST_DAY, "active", False)
    given(campaign).when(note).then(noted)
    given(campaign, noted).when(note).then()
    suspended = NoteCampaign(CAMPAIGN, SPONSOR, "EUR", LAST_DAY, "active", True)
    given(campaign, noted).when(suspended).then(CampaignNoted(CAMPAIGN, SPONSOR, "EUR", LAST_DAY, "active", True))
    assert_total(campaign, [noted])


def test_a_campaign_is_its_sponsors() -> None:
    assert campaign.owned(active, SPONSOR) == active
    for state, who in ((active, "sponsor-2"), (campaign.INITIAL, SPONSOR)):
        with pytest.raises(CampaignUnknown):
            campaign.owned(state, who)


@pytest.mark.parametrize(
    ("state", "on", "refusal"),
    [
        (campaign.Empty(), LAST_DAY, CampaignUnknown),
        (Campaign(CAMPAIGN, SPONSOR, "EUR", LAST_DAY, "active", True), LAST_DAY, CampaignSuspended),
        (Campaign(CAMPAIGN, SPONSOR, "EUR", LAST_DAY, "completed", False), LAST_DAY, CampaignNotActive),
        (Campaign(CAMPAIGN, SPONSOR, "EUR", LAST_DAY, "cancelled", False), LAST_DAY, CampaignNotActive),
        (active, date(2026, 6, 1), CampaignOver),
    ],
)
def test_terms_are_not_agreed_in_a_campaign_that_is_not_open(
    state: campaign.State, on: date, refusal: type[Rejected]
) -> None:
    with pytest.raises(refusal):
        campaign.must_be_open(state, on)
    campaign.must_be_open(active, LAST_DAY)


def test_a_suspended_campaign_is_known_as_that() -> None:
    assert campaign.is_suspended(Campaign(CAMPAIGN, SPONSOR, "EUR", LAST_DAY, "active", True))
    assert not campaign.is_suspended(active)
    assert not campaign.is_suspended(campaign.Empty())


GUARDS = [
    (counterparty.must_be_an_influencer, Standing("influencer", "active"), None),
    (counterparty.must_be_an_influencer, Standing("sponsor", "active"), InfluencerUnknown),
    (counterparty.must_be_an_influencer, Standing("influencer", "erased"), InfluencerUnknown),
    (counterparty.must_be_an_influencer, Standing(), InfluencerUnknown),
    (counterparty.must_be_an_influencer, Standing("influencer", "active", "fraud"), OtherSideUnavailable),
    (counterparty.must_be_available, Standing("sponsor", "active"), None),
    (counterparty.must_be_available, Standing("sponsor", "erased"), OtherSideUnavailable),
    (counterparty.must_be_available, Standing("sponsor", "active", "fraud"), OtherSideUnavailable),
]


@pytest.mark.parametrize(("guard", "state", "refusal"), GUARDS)
def test_whom_one_may_come_to_terms_with(guard: object, state: Standing, refusal: type[Rejected] | None) -> None:
    assert callable(guard)
    if refusal is None:
        guard(state)
    else:
        with pytest.raises(refusal):
            guard(state)
