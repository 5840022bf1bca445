"""The ratings of a deal: each side gives the other one to five stars, once, and sees nothing before both have.

open -> one_sided -> published, open -> expired. The review beside the stars is private: commands bring it, events do
not have it.
"""

from datetime import datetime, timedelta

from services.adrequests.domain.terms import SPONSOR, Parties, side_of
from shared.kernel.record import record, replace
from shared.kernel.rejected import Kind, Rejected

CATEGORY = "rating"

RATING = timedelta(days=14)

# Commands


@record
class OpenRatings:
    """With the completion of the deal."""

    deal_id: str
    ad_request_id: str
    parties: Parties
    rate_by: datetime


@record
class GiveRating:
    deal_id: str
    by: str
    stars: int
    review: str  # private
    at: datetime


@record
class CloseRatings:
    """Of the deadline `rating_over`."""

    deal_id: str
    at: datetime


Command = OpenRatings | GiveRating | CloseRatings

# Events


@record
class RatingsOpened:
    deal_id: str
    ad_request_id: str
    parties: Parties
    rate_by: datetime


@record
class RatingGiven:
    deal_id: str
    ad_request_id: str
    parties: Parties
    by_side: str
    stars: int


@record
class RatingsPublished:
    deal_id: str
    ad_request_id: str
    parties: Parties
    stars_by_sponsor: int | None
    stars_by_influencer: int | None


@record
class RatingsExpired:
    deal_id: str
    ad_request_id: str
    parties: Parties


Event = RatingsOpened | RatingGiven | RatingsPublished | RatingsExpired

EVENTS: dict[str, type] = {
    "adrequests.RatingsOpened.v1": RatingsOpened,
    "adrequests.RatingGiven.v1": RatingGiven,
    "adrequests.RatingsPublished.v1": RatingsPublished,
    "adrequests.RatingsExpired.v1": RatingsExpired,
}

# States


@record
class Empty:
    """The deal is unknown or not completed."""


@record
class Ratings:
    deal_id: str
    ad_request_id: str
    parties: Parties
    rate_by: datetime
    state: str = "open"  # open, one_sided, published, expired
    stars_by_sponsor: int | None = None
    stars_by_influencer: int | None = None


State = Empty | Ratings

INITIAL: State = Empty()

# Refusals


class NothingToRate(Rejected):
    code = "nothing-to-rate"
    kind = Kind.MISSING
    text = "There is nothing to rate."


class RatedBefore(Rejected):
    code = "rated-before"
    text = "You have rated this deal before."


class RatingClosed(Rejected):
    code = "rating-closed"
    text = "The time to rate this deal is over."


class StarsOutOfRange(Rejected):
    code = "stars-out-of-range"
    kind = Kind.VALUE
    field = "stars"
    text = "A rating is 1, 2, 3, 4 or 5 stars."


def decide(command: Command, state: State) -> list[Event]:
    """The second rating publishes both; the end of the time publishes one, or nothing."""
    match command, state:
        case OpenRatings(id, ad_request_id, parties, rate_by), Empty():
            return [RatingsOpened(id, ad_request_id, parties, rate_by)]
        case GiveRating(), Ratings() as own if (side := side_of(own.parties, command.by)) is not None:
            return _given(side, command, own)
        case GiveRating(), _:
            raise NothingToRate
        case CloseRatings(at=at), Ratings(state="open" | "one_sided") as own if at >= own.rate_by:
            return [_ended(own)]
        case _:
            return []


def _given(side: str, command: GiveRating, own: Ratings) -> list[Event]:
    before, others = own.stars_by_sponsor, own.stars_by_influencer
    if side != SPONSOR:
        before, others = others, before
    if before is not None:
        raise RatedBefore
    if own.state in ("published", "expired") or command.at >= own.rate_by:
        raise RatingClosed
    if not 1 <= command.stars <= 5:
        raise StarsOutOfRange
    given = RatingGiven(own.deal_id, own.ad_request_id, own.parties, side, command.stars)
    return [given] if others is None else [given, _ended(_rated(own, given))]


def _rated(own: Ratings, event: RatingGiven) -> Ratings:
    if event.by_side == SPONSOR:
        return replace(own, state="one_sided", stars_by_sponsor=event.stars)
    return replace(own, state="one_sided", stars_by_influencer=event.stars)


def _ended(own: Ratings) -> Event:
    if own.stars_by_sponsor is None and own.stars_by_influencer is None:
        return RatingsExpired(own.deal_id, own.ad_request_id, own.parties)
    return RatingsPublished(own.deal_id, own.ad_request_id, own.parties, own.stars_by_sponsor, own.stars_by_influencer)


def evolve(state: State, event: Event) -> State:
    """Return the ratings after an event."""
    match event, state:
        case RatingsOpened(id, ad_request_id, parties, rate_by), Empty():
            return Ratings(id, ad_request_id, parties, rate_by)
        case RatingGiven(), Ratings():
            return _rated(state, event)
        case RatingsPublished(), Ratings():
            return replace(state, state="published")
        case RatingsExpired(), Ratings():
            return replace(state, state="expired")
        case _:
            return state
