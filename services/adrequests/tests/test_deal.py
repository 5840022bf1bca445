"""S2-06, D7: accepted terms carried out: funded, submitted, reviewed, completed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.adrequests.domain import deal
from services.adrequests.domain.deal import (
    AgreedBefore,
    AgreeDeal,
    ApproveSilently,
    ApproveWork,
    CancelUnfunded,
    ChangesExhausted,
    Command,
    CompleteDeal,
    Deal,
    DealNotCompleted,
    DealNotFunded,
    DealUnknown,
    Event,
    MarkFunded,
    NoteFundingShort,
    NothingToReview,
    PostUrlUnusable,
    RequestChanges,
    SubmitWork,
    WorkApproved,
    WorkNotExpected,
)
from services.adrequests.tests.samples import (
    AD_REQUEST,
    DEAL,
    HASH,
    INFLUENCER,
    NOW,
    OF,
    OF_DEAL,
    PARTIES,
    SPONSOR,
    STRANGER,
    TERMS,
    URL,
    agreed,
    approved,
    cancelled,
    changes,
    completed,
    fell_short,
    funded,
    submitted,
)
from shared.testing.scenario import assert_total, given

agree = AgreeDeal(DEAL, AD_REQUEST, PARTIES, 1, TERMS, HASH, "influencer", "sent", NOW)
submit = SubmitWork(DEAL, INFLUENCER, URL, NOW)
request_changes = RequestChanges(DEAL, SPONSOR, "Please say the name of the shop")
approve = ApproveWork(DEAL, SPONSOR)
mark_funded = MarkFunded(DEAL)
note_short = NoteFundingShort(DEAL, 20_000)
cancel = CancelUnfunded(DEAL, agreed.fund_by)
approve_silently = ApproveSilently(DEAL, submitted.review_by)
complete = CompleteDeal(DEAL, NOW)

FUNDING: tuple[Event, ...] = (agreed,)
FUNDED = (agreed, funded)
SUBMITTED = (*FUNDED, submitted)
CHANGING = (*SUBMITTED, changes)
APPROVED = (*SUBMITTED, approved)
COMPLETED = (*APPROVED, completed)
CANCELLED = (agreed, cancelled)
ALL = {
    "funding": FUNDING,
    "funded": FUNDED,
    "submitted": SUBMITTED,
    "changes_requested": CHANGING,
    "approved": APPROVED,
    "completed": COMPLETED,
    "cancelled": CANCELLED,
}


def test_an_agreed_deal_waits_for_its_money() -> None:
    given(deal).when(agree).then(agreed).state_is(state="funding", short=False, terms=TERMS, terms_hash=HASH)
    given(deal, agreed).when(agree).refused(AgreedBefore)


def test_held_money_makes_it_funded_once() -> None:
    given(deal, *FUNDING).when(mark_funded).then(funded).state_is(state="funded")
    for before in (FUNDED, SUBMITTED, APPROVED, COMPLETED, CANCELLED, ()):
        given(deal, *before).when(mark_funded).then()


def test_with_too_little_money_it_stays_funding_and_says_so_once() -> None:
    given(deal, *FUNDING).when(note_short).then(fell_short).state_is(state="funding", short=True)
    given(deal, agreed, fell_short).when(note_short).then()
    given(deal, *FUNDED).when(note_short).then()
    was_short = replace(funded, was_short=True)
    given(deal, agreed, fell_short).when(mark_funded).then(was_short).state_is(state="funded", short=False)


def test_what_nobody_funds_is_cancelled_in_time() -> None:
    given(deal, *FUNDING).when(cancel).then(cancelled).state_is(state="cancelled")
    given(deal, agreed, fell_short).when(cancel).then(replace(cancelled, was_short=True)).state_is(short=False)
    given(deal, *FUNDING).when(replace(cancel, at=cancel.at - timedelta(seconds=1))).then()
    given(deal, *FUNDED).when(cancel).then()
    given(deal, *CANCELLED).when(cancel).then()
    given(deal).when(cancel).then()


def test_the_influencer_submits_once_it_is_funded() -> None:
    given(deal, *FUNDED).when(submit).then(submitted).state_is(state="submitted", submissions=1, post_url=URL)
    given(deal, *FUNDING).when(submit).refused(DealNotFunded)


@pytest.mark.parametrize("before", [SUBMITTED, APPROVED, COMPLETED, CANCELLED])
def test_work_is_taken_when_it_is_waited_for(before: tuple[Event, ...]) -> None:
    given(deal, *before).when(submit).refused(WorkNotExpected)


def test_after_a_request_for_changes_it_is_submitted_anew() -> None:
    again = replace(submitted, submission=2, previous="changes_requested")
    given(deal, *SUBMITTED).when(request_changes).then(changes).state_is(state="changes_requested", changes=1)
    given(deal, *CHANGING).when(submit).then(again).state_is(state="submitted", submissions=2)


def test_changes_are_requested_twice_at_the_most() -> None:
    again = replace(submitted, submission=2, previous="changes_requested")
    second = replace(changes, submission=2, changes=2)
    given(deal, *CHANGING, again).when(request_changes).then(second)
    third = replace(submitted, submission=3, previous="changes_requested")
    given(deal, *CHANGING, again, second, third).when(request_changes).refused(ChangesExhausted, limit=2)
    given(deal, *CHANGING, again, second, third).when(approve).then(WorkApproved(OF, 3, False, "submitted"))


def test_the_note_is_in_no_event() -> None:
    assert "shop" not in repr(deal.decide(request_changes, given(deal, *SUBMITTED).state))


def test_the_sponsor_approves_what_was_submitted() -> None:
    given(deal, *SUBMITTED).when(approve).then(approved).state_is(state="approved", review_by=None)


@pytest.mark.parametrize("command", [approve, request_changes])
@pytest.mark.parametrize("state", ["funding", "funded", "changes_requested", "approved", "completed", "cancelled"])
def test_there_is_something_to_review_when_work_was_submitted(command: Command, state: str) -> None:
    given(deal, *ALL[state]).when(command).refused(NothingToReview, state=state)


def test_silence_approves_once_and_never_too_early() -> None:
    given(deal, *SUBMITTED).when(approve_silently).then(replace(approved, automatic=True))
    given(deal, *SUBMITTED).when(replace(approve_silently, at=submitted.review_by - timedelta(seconds=1))).then()
    for before in (FUNDED, CHANGING, APPROVED, COMPLETED, ()):
        given(deal, *before).when(approve_silently).then()


def test_released_money_completes_it_once() -> None:
    given(deal, *APPROVED).when(complete).then(completed).state_is(state="completed")
    for before in (FUNDING, FUNDED, SUBMITTED, CHANGING, COMPLETED, CANCELLED, ()):
        given(deal, *before).when(complete).then()


@pytest.mark.parametrize(
    "command",
    [
        replace(submit, by=STRANGER),
        replace(submit, by=SPONSOR),
        replace(approve, by=STRANGER),
        replace(approve, by=INFLUENCER),
        replace(request_changes, by=INFLUENCER),
    ],
)
@pytest.mark.parametrize("state", ALL)
def test_for_all_others_there_is_no_such_deal(command: Command, state: str) -> None:
    given(deal, *ALL[state]).when(command).refused(DealUnknown)
    given(deal).when(command).refused(DealUnknown)


@pytest.mark.parametrize(
    "post_url",
    [
        "",
        "reel",
        "http://video.example/p/1",
        "javascript:alert(1)",
        "https://",
        "https:///p/1",
        "https://ada:secret@video.example/p/1",
        "https://video.example/p 1",
        "https://video.example/p\n1",
        "https://[video.example/p/1",
        "https://video.example/" + "x" * 2_000,
    ],
)
def test_an_address_that_cannot_be_opened_safely_is_refused(post_url: str) -> None:
    given(deal, *FUNDED).when(replace(submit, post_url=post_url)).refused(PostUrlUnusable)


def test_nothing_changes_the_terms() -> None:
    commands = [submit, request_changes, approve, mark_funded, note_short, cancel, approve_silently, complete]
    for before in ALL.values():
        state = given(deal, *before).state
        for command in commands:
            after = given(deal, *before).when(command).state
            assert (after.terms, after.terms_hash, after.of) == (state.terms, state.terms_hash, state.of)


def test_it_is_seen_by_its_two_sides_and_rated_when_completed() -> None:
    state = given(deal, *COMPLETED).state
    assert deal.seen_by(state, SPONSOR) == deal.seen_by(state, INFLUENCER) == state
    deal.must_be_completed(state)
    for hidden, who in ((state, STRANGER), (deal.INITIAL, SPONSOR)):
        with pytest.raises(DealUnknown):
            deal.seen_by(hidden, who)
    under_way = given(deal, *APPROVED).state
    assert isinstance(under_way, Deal)
    with pytest.raises(DealNotCompleted):
        deal.must_be_completed(under_way)


def test_evolving_refuses_nothing() -> None:
    assert_total(deal, OF_DEAL)
