"""What campaigns does when others tell of accounts and flags."""

from datetime import UTC, datetime

import hypothesis

from services.campaigns.domain.application import AcceptApplication, EraseMessages
from services.campaigns.domain.campaign import ReinstateCampaign, SuspendCampaign
from services.campaigns.domain.standing import NoteStanding
from services.campaigns.processes import accounts_followed, erasure, moderation_followed, selection
from shared.contracts import adrequests, campaigns, identity, moderation
from shared.testing.scenario import assert_total, shuffled, took

AT = datetime(2026, 5, 10, tzinfo=UTC)
A, B = "sponsor-1", "sponsor-2"

registered = identity.AccountRegistered(A, "sponsor", "pending_approval")
approved = identity.AccountApproved(A, "sponsor")
rejected = identity.AccountRejected(A, "sponsor", "fraud")
restricted = identity.AccountRestricted(A, "sponsor", "active", "spam")
lifted = identity.AccountRestrictionLifted(A, "sponsor", "active")
erased = identity.PersonErased(A, "sponsor", "active", True)

ALL: list[accounts_followed.Message] = [registered, approved, rejected, restricted, lifted, erased]


def test_each_message_of_identity_is_a_standing() -> None:
    took(accounts_followed).when(registered, AT).then(NoteStanding(A, "pending_approval", None))
    took(accounts_followed, registered).when(approved, AT).then(NoteStanding(A, "active", None))
    took(accounts_followed, registered).when(rejected, AT).then(NoteStanding(A, "rejected", None))
    took(accounts_followed, registered, approved).when(restricted, AT).then(NoteStanding(A, "active", "spam"))
    took(accounts_followed, registered, restricted).when(approved, AT).then(NoteStanding(A, "active", "spam"))
    took(accounts_followed, registered, approved, restricted).when(lifted, AT).then(NoteStanding(A, "active", None))
    took(accounts_followed, registered, approved).when(erased, AT).then(NoteStanding(A, "erased", None))


def test_each_account_has_an_instance_of_its_own() -> None:
    assert {accounts_followed.route(message) for message in ALL} == {A}


def test_following_accounts_is_total() -> None:
    assert_total(accounts_followed, ALL)


ONE: list[accounts_followed.Message] = [registered, approved, restricted]
OTHERS: list[accounts_followed.Message] = [identity.AccountRegistered(B, "sponsor", "pending_approval")]


@hypothesis.given(shuffled({A: ONE, B: OTHERS}))
def test_accounts_do_not_touch_each_other(messages: list[accounts_followed.Message]) -> None:
    states = {A: accounts_followed.INITIAL, B: accounts_followed.INITIAL}
    for message in messages:
        states[message.account_id] = accounts_followed.evolve(states[message.account_id], message)
    assert states == {
        A: accounts_followed.Followed("active", "spam"),
        B: accounts_followed.Followed("pending_approval"),
    }


def test_a_flagged_campaign_is_suspended_and_an_unflagged_one_reinstated() -> None:
    flagged = moderation.CampaignFlagged("flag-1", "campaign-1", A, "fraud", "admin-1")
    unflagged = moderation.CampaignUnflagged("flag-1", "campaign-1", A, "cleared", "admin-1")
    took(moderation_followed).when(flagged, AT).then(SuspendCampaign("campaign-1", "fraud"))
    took(moderation_followed, flagged).when(unflagged, AT).then(ReinstateCampaign("campaign-1"))
    assert moderation_followed.route(flagged) == moderation_followed.route(unflagged) == "campaign-1"


def test_an_erased_person_leaves_no_messages() -> None:
    took(erasure).when(erased, AT).then(EraseMessages(A))
    assert erasure.route(erased) == A
    assert_total(erasure, [erased])


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
