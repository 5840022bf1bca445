"""S0-05, S0-06, D15: flags on campaigns and accounts, each with a reason."""

import pytest

from services.moderation.domain import flag
from services.moderation.domain.flag import (
    FLAG_REASONS,
    UNFLAG_REASONS,
    AccountFlagged,
    AccountNoted,
    AccountUnflagged,
    AccountUnknown,
    AdminsAreNotFlagged,
    AlreadyFlagged,
    CampaignFlagged,
    CampaignNoted,
    CampaignUnflagged,
    CampaignUnknown,
    FlagAccount,
    FlagCampaign,
    NoteAccount,
    NoteCampaign,
    NotFlagged,
    ReasonUnknown,
    UnflagAccount,
    UnflagCampaign,
    Unknown,
)
from shared.kernel.rejected import Rejected
from shared.testing.scenario import given

FLAG, CAMPAIGN, SPONSOR, ACCOUNT, ADMIN = "flag-1", "campaign-1", "sponsor-1", "influencer-1", "admin-1"

campaign_noted = CampaignNoted(CAMPAIGN, SPONSOR)
campaign_flagged = CampaignFlagged(FLAG, CAMPAIGN, SPONSOR, "fraud", ADMIN)
campaign_unflagged = CampaignUnflagged(FLAG, CAMPAIGN, SPONSOR, "cleared", ADMIN)
account_noted = AccountNoted(ACCOUNT, "influencer")
account_flagged = AccountFlagged(FLAG, ACCOUNT, "influencer", "spam", ADMIN)
account_unflagged = AccountUnflagged(FLAG, ACCOUNT, "influencer", "mistaken", ADMIN)

flag_campaign = FlagCampaign(FLAG, CAMPAIGN, "fraud", ADMIN)
unflag_campaign = UnflagCampaign(CAMPAIGN, "cleared", ADMIN)
flag_account = FlagAccount(FLAG, ACCOUNT, "spam", ADMIN)
unflag_account = UnflagAccount(ACCOUNT, "mistaken", ADMIN)


def test_a_subject_is_noted_once() -> None:
    given(flag).when(NoteCampaign(CAMPAIGN, SPONSOR)).then(campaign_noted)
    given(flag, campaign_noted).when(NoteCampaign(CAMPAIGN, SPONSOR)).then()
    given(flag).when(NoteAccount(ACCOUNT, "influencer")).then(account_noted)
    given(flag, account_noted, account_flagged).when(NoteAccount(ACCOUNT, "influencer")).then()


def test_a_campaign_is_flagged_and_unflagged_and_flagged_again() -> None:
    given(flag, campaign_noted).when(flag_campaign).then(campaign_flagged)
    given(flag, campaign_noted, campaign_flagged).when(unflag_campaign).then(campaign_unflagged)
    given(flag, campaign_noted, campaign_flagged, campaign_unflagged).when(flag_campaign).then(campaign_flagged)


def test_an_account_is_flagged_and_unflagged_and_flagged_again() -> None:
    given(flag, account_noted).when(flag_account).then(account_flagged)
    given(flag, account_noted, account_flagged).when(unflag_account).then(account_unflagged)
    given(flag, account_noted, account_flagged, account_unflagged).when(flag_account).then(account_flagged)


def test_unflagging_names_the_flag_that_it_takes_away() -> None:
    second = CampaignFlagged("flag-2", CAMPAIGN, SPONSOR, "spam", ADMIN)
    given(flag, campaign_noted, campaign_flagged, campaign_unflagged, second).when(unflag_campaign).then(
        CampaignUnflagged("flag-2", CAMPAIGN, SPONSOR, "cleared", ADMIN)
    )


def test_flagging_twice_is_refused() -> None:
    given(flag, campaign_noted, campaign_flagged).when(flag_campaign).refused(AlreadyFlagged)
    given(flag, account_noted, account_flagged).when(flag_account).refused(AlreadyFlagged)


def test_what_is_not_flagged_is_not_unflagged() -> None:
    given(flag, campaign_noted).when(unflag_campaign).refused(NotFlagged)
    given(flag, account_noted).when(unflag_account).refused(NotFlagged)
    given(flag, account_noted, account_flagged, account_unflagged).when(unflag_account).refused(NotFlagged)


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (flag_campaign, CampaignUnknown),
        (unflag_campaign, CampaignUnknown),
        (flag_account, AccountUnknown),
        (unflag_account, AccountUnknown),
    ],
)
def test_what_nobody_told_of_is_unknown(command: flag.Command, refusal: type[Rejected]) -> None:
    given(flag).when(command).refused(refusal)


def test_an_account_is_no_campaign_and_a_campaign_no_account() -> None:
    given(flag, account_noted).when(flag_campaign).refused(CampaignUnknown)
    given(flag, account_noted).when(unflag_campaign).refused(CampaignUnknown)
    given(flag, campaign_noted).when(flag_account).refused(AccountUnknown)
    given(flag, campaign_noted).when(unflag_account).refused(AccountUnknown)


def test_admins_are_not_flagged() -> None:
    given(flag, AccountNoted(ACCOUNT, "admin")).when(flag_account).refused(AdminsAreNotFlagged)


def test_every_flag_has_a_known_reason() -> None:
    for reason in FLAG_REASONS:
        given(flag, campaign_noted).when(FlagCampaign(FLAG, CAMPAIGN, reason, ADMIN)).then(
            CampaignFlagged(FLAG, CAMPAIGN, SPONSOR, reason, ADMIN)
        )
    for reason in UNFLAG_REASONS:
        given(flag, campaign_noted, campaign_flagged).when(UnflagCampaign(CAMPAIGN, reason, ADMIN)).then(
            CampaignUnflagged(FLAG, CAMPAIGN, SPONSOR, reason, ADMIN)
        )
    given(flag, campaign_noted).when(FlagCampaign(FLAG, CAMPAIGN, "dislike", ADMIN)).refused(ReasonUnknown)
    given(flag, campaign_noted, campaign_flagged).when(UnflagCampaign(CAMPAIGN, "fraud", ADMIN)).refused(ReasonUnknown)
    given(flag, account_noted).when(FlagAccount(FLAG, ACCOUNT, "dislike", ADMIN)).refused(ReasonUnknown)
    given(flag, account_noted, account_flagged).when(UnflagAccount(ACCOUNT, "dislike", ADMIN)).refused(ReasonUnknown)


def test_evolve_is_total() -> None:
    for event in (campaign_flagged, campaign_unflagged, account_flagged, account_unflagged):
        assert flag.evolve(Unknown(), event) == Unknown()
