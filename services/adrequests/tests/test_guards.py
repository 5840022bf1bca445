"""What adrequests knows of campaigns and accounts, and whom it lets act."""

from datetime import date

import pytest

from services.adrequests.domain import campaign, standing
from services.adrequests.domain.campaign import (
    Campaign,
    CampaignNotActive,
    CampaignNoted,
    CampaignOver,
    CampaignSuspended,
    CampaignUnknown,
    NoteCampaign,
)
from services.adrequests.domain.standing import (
    AccountErased,
    AccountRestricted,
    InfluencerUnknown,
    NoteStanding,
    OtherSideUnavailable,
    SponsorNotApproved,
    Standing,
    StandingNoted,
)
from services.adrequests.tests.samples import CAMPAIGN, INFLUENCER, LAST_DAY, SPONSOR
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


def test_a_standing_is_noted_once_and_erasure_is_the_last_word() -> None:
    here = StandingNoted(INFLUENCER, "influencer", "active", None)
    gone = StandingNoted(INFLUENCER, "influencer", "erased", None)
    given(standing).when(NoteStanding(INFLUENCER, "influencer", "active", None)).then(here)
    given(standing, here).when(NoteStanding(INFLUENCER, "influencer", "active", None)).then()
    given(standing, here).when(NoteStanding(INFLUENCER, "influencer", "erased", None)).then(gone)
    given(standing, here, gone).when(NoteStanding(INFLUENCER, "influencer", "active", None)).then()
    assert_total(standing, [here, gone])


GUARDS = [
    (standing.must_be_able_to_act, Standing("influencer", "erased"), AccountErased),
    (standing.must_be_able_to_act, Standing("influencer", "active", "fraud"), AccountRestricted),
    (standing.must_be_able_to_act, Standing("influencer", "active"), None),
    (standing.must_be_able_to_act, Standing(), None),
    (standing.must_be_approved, Standing("sponsor", "active"), None),
    (standing.must_be_approved, Standing("sponsor", "pending_approval"), SponsorNotApproved),
    (standing.must_be_approved, Standing("sponsor", "rejected"), SponsorNotApproved),
    (standing.must_be_approved, Standing("influencer", "active"), SponsorNotApproved),
    (standing.must_be_approved, Standing(), SponsorNotApproved),
    (standing.must_be_approved, Standing("sponsor", "active", "fraud"), AccountRestricted),
    (standing.must_be_an_influencer, Standing("influencer", "active"), None),
    (standing.must_be_an_influencer, Standing("sponsor", "active"), InfluencerUnknown),
    (standing.must_be_an_influencer, Standing("influencer", "erased"), InfluencerUnknown),
    (standing.must_be_an_influencer, Standing(), InfluencerUnknown),
    (standing.must_be_an_influencer, Standing("influencer", "active", "fraud"), OtherSideUnavailable),
    (standing.must_be_available, Standing("sponsor", "active"), None),
    (standing.must_be_available, Standing("sponsor", "erased"), OtherSideUnavailable),
    (standing.must_be_available, Standing("sponsor", "active", "fraud"), OtherSideUnavailable),
]


@pytest.mark.parametrize(("guard", "state", "refusal"), GUARDS)
def test_who_may_act(guard: object, state: Standing, refusal: type[Rejected] | None) -> None:
    assert callable(guard)
    if refusal is None:
        guard(state)
    else:
        with pytest.raises(refusal):
            guard(state)
