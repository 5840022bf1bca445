"""S0-15, P-04, D8: offers and counter-offers, by turns, until both want the same."""

from dataclasses import replace
from datetime import datetime, timedelta

import hypothesis
import pytest
from hypothesis import strategies

from services.adrequests.domain import negotiation
from services.adrequests.domain.negotiation import (
    MAX_VERSIONS,
    TURN,
    AcceptOffer,
    AdRequestClosed,
    AdRequestUnknown,
    Command,
    CounterOffer,
    DeclineOffer,
    Event,
    ExpireOffer,
    Negotiation,
    NotYourOffer,
    NotYourTurn,
    OfferAccepted,
    OfferCountered,
    OfferDeclined,
    OfferExpired,
    OfferWithdrawn,
    RoundsExhausted,
    SendOffer,
    SentBefore,
    VersionOutdated,
    WithdrawOffer,
)
from services.adrequests.domain.terms import CurrencyNotTheCampaigns, Terms
from services.adrequests.tests.samples import (
    AD_REQUEST,
    CAMPAIGN,
    DEAL,
    HASH,
    INFLUENCER,
    LATER,
    NOW,
    OF_NEGOTIATION,
    OTHER_HASH,
    OTHER_TERMS,
    PARTIES,
    SPONSOR,
    STRANGER,
    TERMS,
    accepted,
    countered,
    declined,
    expired,
    extended,
    sent,
    withdrawn,
)
from shared.kernel.amount import AmountNotPositive
from shared.kernel.rejected import Kind, Rejected
from shared.testing.scenario import assert_total, given


def send(at: datetime = NOW) -> SendOffer:
    return SendOffer(AD_REQUEST, SPONSOR, CAMPAIGN, INFLUENCER, TERMS, "Dear Ada", at)


def counter(by: str = INFLUENCER, version: int = 1, terms: Terms = OTHER_TERMS, at: datetime = LATER) -> CounterOffer:
    return CounterOffer(AD_REQUEST, by, version, terms, "More work, more money", at)


def accept(by: str = INFLUENCER, version: int = 1, at: datetime = LATER) -> AcceptOffer:
    return AcceptOffer(AD_REQUEST, by, version, DEAL, at)


def decline(by: str = INFLUENCER, at: datetime = LATER) -> DeclineOffer:
    return DeclineOffer(AD_REQUEST, by, at)


def withdraw(by: str = SPONSOR, at: datetime = LATER) -> WithdrawOffer:
    return WithdrawOffer(AD_REQUEST, by, at)


def test_an_offer_is_version_one_and_waits_for_the_influencer() -> None:
    given(negotiation).when(send()).then(sent).state_is(state="sent", turn="influencer", version=1, terms_hash=HASH)


def test_an_ad_request_is_sent_once() -> None:
    given(negotiation, sent).when(send()).refused(SentBefore)


def test_an_offer_of_nothing_is_refused() -> None:
    given(negotiation).when(replace(send(), terms=replace(TERMS, amount_minor=0))).refused(AmountNotPositive)


def test_a_counter_is_a_new_version_and_turns_the_table() -> None:
    given(negotiation, sent).when(counter()).then(countered).state_is(state="countered", turn="sponsor", version=2)
    back = OfferCountered(AD_REQUEST, PARTIES, 3, TERMS, HASH, "influencer", LATER + TURN, "countered")
    given(negotiation, sent, countered).when(counter(SPONSOR, 2, TERMS)).then(back)


def test_the_message_is_in_no_event() -> None:
    events = [*negotiation.decide(send(), negotiation.INITIAL), *negotiation.decide(counter(), given_sent())]
    assert "Dear Ada" not in repr(events)
    assert "More work" not in repr(events)


def given_sent() -> negotiation.State:
    return negotiation.evolve(negotiation.INITIAL, sent)


def test_accepting_names_the_version_and_keeps_its_hash() -> None:
    given(negotiation, sent).when(accept()).then(accepted).state_is(state="accepted", terms=TERMS, terms_hash=HASH)
    sponsors = OfferAccepted(AD_REQUEST, PARTIES, 2, OTHER_HASH, DEAL, "sponsor", "countered")
    given(negotiation, sent, countered).when(accept(SPONSOR, 2)).then(sponsors)


def test_declining_is_of_the_side_whose_turn_it_is() -> None:
    given(negotiation, sent).when(decline()).then(declined).state_is(state="declined")
    sponsors = OfferDeclined(AD_REQUEST, PARTIES, 2, "sponsor", "countered")
    given(negotiation, sent, countered).when(decline(SPONSOR)).then(sponsors)


def test_withdrawing_is_of_the_side_that_made_the_latest_offer() -> None:
    given(negotiation, sent).when(withdraw()).then(withdrawn).state_is(state="withdrawn")
    influencers = OfferWithdrawn(AD_REQUEST, PARTIES, 2, "influencer", "countered")
    given(negotiation, sent, countered).when(withdraw(INFLUENCER)).then(influencers)
    given(negotiation, sent).when(withdraw(INFLUENCER)).refused(NotYourOffer)
    given(negotiation, sent, countered).when(withdraw(SPONSOR)).refused(NotYourOffer)


@pytest.mark.parametrize("command", [counter(SPONSOR), accept(SPONSOR), decline(SPONSOR)])
def test_only_the_side_whose_turn_it_is_answers(command: Command) -> None:
    given(negotiation, sent).when(command).refused(NotYourTurn)


@pytest.mark.parametrize("command", [counter(SPONSOR, 1), accept(SPONSOR, 1), accept(SPONSOR, 3)])
def test_an_answer_names_the_latest_version(command: Command) -> None:
    given(negotiation, sent, countered).when(command).refused(VersionOutdated, version=2)


def test_a_counter_stays_in_the_currency() -> None:
    given(negotiation, sent).when(counter(terms=replace(OTHER_TERMS, currency="USD"))).refused(
        CurrencyNotTheCampaigns, currency="EUR"
    )


@pytest.mark.parametrize("command", [counter(STRANGER), accept(STRANGER), decline(STRANGER), withdraw(STRANGER)])
@pytest.mark.parametrize("before", [(), (sent,), (sent, accepted)])
def test_for_all_others_there_is_no_such_ad_request(command: Command, before: tuple[Event, ...]) -> None:
    given(negotiation, *before).when(command).refused(AdRequestUnknown)
    assert AdRequestUnknown.kind is Kind.MISSING


@pytest.mark.parametrize("command", [counter(), accept(), decline(), withdraw()])
@pytest.mark.parametrize("end", [accepted, declined, withdrawn, expired])
def test_an_ad_request_ends_once(command: Command, end: Event) -> None:
    given(negotiation, sent, end).when(command).refused(AdRequestClosed)


@pytest.mark.parametrize("command", [counter(), accept(), decline(), withdraw()])
def test_an_offer_whose_time_is_over_is_expired_even_before_its_deadline_fired(command: Command) -> None:
    at = sent.expires_at
    given(negotiation, sent).when(replace(command, at=at)).refused(AdRequestClosed, state="expired")
    in_time = given(negotiation, sent).when(replace(command, at=at - timedelta(microseconds=1)))
    assert in_time.state != given_sent()


def test_after_five_versions_one_accepts_or_declines() -> None:
    state = given(negotiation, sent)
    for version in range(1, MAX_VERSIONS):
        by = INFLUENCER if version % 2 else SPONSOR
        state = state.and_then(*negotiation.decide(counter(by, version), state.state))
    state.when(counter(INFLUENCER, MAX_VERSIONS)).refused(RoundsExhausted, limit=5)
    state.when(accept(INFLUENCER, MAX_VERSIONS)).state_is(state="accepted")


def test_silence_expires_an_offer_once_and_never_too_early() -> None:
    due = sent.expires_at
    given(negotiation, sent).when(ExpireOffer(AD_REQUEST, False, due)).then(expired).state_is(state="expired")
    given(negotiation, sent).when(ExpireOffer(AD_REQUEST, False, due - timedelta(seconds=1))).then()
    given(negotiation, sent, countered).when(ExpireOffer(AD_REQUEST, False, due)).then()
    given(negotiation).when(ExpireOffer(AD_REQUEST, False, due)).then()
    sponsors = OfferExpired(AD_REQUEST, PARTIES, 2, "sponsor", "countered")
    given(negotiation, sent, countered).when(ExpireOffer(AD_REQUEST, False, countered.expires_at)).then(sponsors)
    for end in (accepted, declined, withdrawn, expired):
        given(negotiation, sent, end).when(ExpireOffer(AD_REQUEST, False, due)).then()


def test_a_frozen_offer_is_given_its_time_anew() -> None:
    frozen = ExpireOffer(AD_REQUEST, True, sent.expires_at)
    given(negotiation, sent).when(frozen).then(extended).state_is(state="sent", expires_at=extended.expires_at)
    given(negotiation, sent, extended).when(accept(at=sent.expires_at)).then(accepted)


def test_it_is_seen_by_its_two_sides_alone() -> None:
    assert negotiation.seen_by(given_sent(), SPONSOR) == negotiation.seen_by(given_sent(), INFLUENCER)
    for state, who in ((given_sent(), STRANGER), (negotiation.INITIAL, SPONSOR)):
        with pytest.raises(AdRequestUnknown):
            negotiation.seen_by(state, who)


def test_evolving_refuses_nothing() -> None:
    assert_total(negotiation, OF_NEGOTIATION)


who = strategies.sampled_from([SPONSOR, INFLUENCER, STRANGER])
version = strategies.integers(1, 6)
step = strategies.one_of(
    strategies.builds(counter, who, version),
    strategies.builds(accept, who, version),
    strategies.builds(decline, who),
    strategies.builds(withdraw, who),
)


@hypothesis.given(strategies.lists(step, max_size=12))
def test_whatever_is_tried_the_sides_take_turns_and_it_ends_once(commands: list[Command]) -> None:
    state, ended = given_sent(), False
    for command in commands:
        before = state
        assert isinstance(before, Negotiation)
        try:
            [event] = negotiation.decide(command, before)
        except Rejected:
            continue
        state = negotiation.evolve(before, event)
        assert isinstance(state, Negotiation)
        assert not ended
        ended = not state.is_open
        if isinstance(event, OfferCountered):
            assert state.turn != before.turn
            assert state.version == before.version + 1 <= MAX_VERSIONS
        else:
            assert (state.terms, state.terms_hash, state.version) == (before.terms, before.terms_hash, before.version)
