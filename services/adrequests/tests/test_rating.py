"""S0-12, N5, D20: both sides rate, once, from one to five, and neither sees the other's before both have."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.adrequests.domain import rating
from services.adrequests.domain.rating import (
    CloseRatings,
    Event,
    GiveRating,
    NothingToRate,
    OpenRatings,
    RatedBefore,
    RatingClosed,
    RatingsPublished,
    StarsOutOfRange,
)
from services.adrequests.publishing import publish
from services.adrequests.tests.samples import (
    AD_REQUEST,
    DEAL,
    INFLUENCER,
    NOW,
    OF_RATING,
    PARTIES,
    SPONSOR,
    STRANGER,
    by_influencer,
    by_sponsor,
    opened,
    published,
    unrated,
)
from shared.testing.scenario import assert_total, given

open_them = OpenRatings(DEAL, AD_REQUEST, PARTIES, opened.rate_by)
sponsors = GiveRating(DEAL, SPONSOR, 4, "Ada was on time", NOW)
influencers = GiveRating(DEAL, INFLUENCER, 5, "Paid at once", NOW)
close = CloseRatings(DEAL, opened.rate_by)


def test_ratings_open_once() -> None:
    given(rating).when(open_them).then(opened).state_is(state="open")
    given(rating, opened).when(open_them).then()


def test_the_first_rating_is_sealed_and_the_second_publishes_both() -> None:
    given(rating, opened).when(sponsors).then(by_sponsor).state_is(state="one_sided")
    given(rating, opened, by_sponsor).when(influencers).then(by_influencer, published).state_is(state="published")
    given(rating, opened).when(influencers).then(by_influencer)
    given(rating, opened, by_influencer).when(sponsors).then(by_sponsor, published)


def test_nobody_is_told_the_stars_of_a_sealed_rating() -> None:
    given_one, given_five = (publish(replace(by_sponsor, stars=stars)) for stars in (1, 5))
    assert given_one == given_five


def test_the_review_is_in_no_event() -> None:
    assert "on time" not in repr(rating.decide(sponsors, given(rating, opened).state))


@pytest.mark.parametrize("before", [(opened, by_sponsor), (opened, by_sponsor, by_influencer, published)])
def test_each_side_rates_once(before: tuple[Event, ...]) -> None:
    given(rating, *before).when(sponsors).refused(RatedBefore)


@pytest.mark.parametrize("stars", [0, 6, -1, 100])
def test_stars_are_one_to_five(stars: int) -> None:
    given(rating, opened).when(replace(sponsors, stars=stars)).refused(StarsOutOfRange)


@pytest.mark.parametrize("stars", [1, 2, 3, 4, 5])
def test_all_of_them_can_be_given(stars: int) -> None:
    given(rating, opened).when(replace(sponsors, stars=stars)).then(replace(by_sponsor, stars=stars))


def test_for_all_others_and_before_the_end_of_the_deal_there_is_nothing_to_rate() -> None:
    given(rating, opened).when(replace(sponsors, by=STRANGER)).refused(NothingToRate)
    given(rating).when(sponsors).refused(NothingToRate)


def test_when_the_time_is_over_what_there_is_is_published() -> None:
    given(rating, opened).when(close).then(unrated).state_is(state="expired")
    alone = RatingsPublished(DEAL, AD_REQUEST, PARTIES, 4, None)
    given(rating, opened, by_sponsor).when(close).then(alone).state_is(state="published")
    other = RatingsPublished(DEAL, AD_REQUEST, PARTIES, None, 5)
    given(rating, opened, by_influencer).when(close).then(other)


def test_they_close_once_and_never_too_early() -> None:
    given(rating, opened).when(replace(close, at=opened.rate_by - timedelta(seconds=1))).then()
    for before in ((opened, unrated), (opened, by_sponsor, by_influencer, published), ()):
        given(rating, *before).when(close).then()


def test_who_is_late_cannot_rate() -> None:
    late = replace(influencers, at=opened.rate_by)
    given(rating, opened).when(late).refused(RatingClosed)
    given(rating, opened, unrated).when(influencers).refused(RatingClosed)
    alone = RatingsPublished(DEAL, AD_REQUEST, PARTIES, 4, None)
    given(rating, opened, by_sponsor, alone).when(influencers).refused(RatingClosed)


def test_evolving_refuses_nothing() -> None:
    assert_total(rating, OF_RATING)
