"""Each private event has its one public message, or a reason to have none."""

import pytest

from services.adrequests.domain import budget, campaign, deal, negotiation, rating
from services.adrequests.publishing import PUBLIC, publish
from services.adrequests.tests.samples import (
    AD_REQUEST,
    DEAL,
    HASH,
    LATER,
    OF_DEAL,
    OF_NEGOTIATION,
    OF_RATING,
    OTHER_HASH,
    URL,
    agreed,
    countered,
    published,
    submitted,
)
from shared.accounts import standing
from shared.contracts import adrequests as public
from shared.eventstore.codec import Codec

MODULES = (negotiation, budget, deal, rating, campaign, standing)
PARTIES = ("campaign-1", "sponsor-1", "influencer-1")

#: What others see as part of another message, and what is known to them from where we have it.
KEPT_PRIVATE = {
    negotiation.OfferAccepted,
    budget.BudgetOpened,
    budget.BudgetCommitted,
    budget.CommitmentReleased,
    budget.CommitmentSpent,
    rating.RatingsOpened,
    campaign.CampaignNoted,
    standing.StandingNoted,
}


def test_every_event_is_published_or_kept_private_on_purpose() -> None:
    known = {event for module in MODULES for event in module.EVENTS.values()}
    assert known == PUBLIC.keys() | KEPT_PRIVATE
    assert not PUBLIC.keys() & KEPT_PRIVATE
    assert set(public.MESSAGES.values()) == set(PUBLIC.values())


@pytest.mark.parametrize("event", [*OF_NEGOTIATION, *OF_DEAL, *OF_RATING])
def test_a_message_says_what_its_event_says_and_travels(event: object) -> None:
    told = publish(event)
    if type(event) in KEPT_PRIVATE:
        assert told is None
        return
    assert told is not None
    message, key = told
    assert type(message).__name__ == type(event).__name__
    assert key == AD_REQUEST
    assert tuple(getattr(message, name) for name in ("campaign_id", "sponsor_id", "influencer_id")) == PARTIES
    codec = Codec(public.MESSAGES)
    assert codec.decode(*codec.encode(message)) == message


def test_a_few_in_full() -> None:
    reel = "One reel of 30 seconds"
    assert publish(agreed) == (
        public.DealAgreed(
            DEAL, AD_REQUEST, *PARTIES, 1, 50_000, "EUR", reel, HASH, "influencer", agreed.fund_by, "sent"
        ),
        AD_REQUEST,
    )
    assert publish(countered) == (
        public.OfferCountered(
            AD_REQUEST, *PARTIES, 2, 65_000, "EUR", reel + " and one story", OTHER_HASH, "sponsor",
            LATER + negotiation.TURN, "sent",
        ),
        AD_REQUEST,
    )  # fmt: skip
    assert publish(submitted) == (
        public.WorkSubmitted(DEAL, AD_REQUEST, *PARTIES, 1, URL, submitted.review_by, "funded"),
        AD_REQUEST,
    )
    assert publish(published) == (public.RatingsPublished(DEAL, AD_REQUEST, *PARTIES, 4, 5), AD_REQUEST)
