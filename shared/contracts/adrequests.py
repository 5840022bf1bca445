"""What adrequests tells everybody: how the two sides come to terms, and what becomes of the deal.

Routing key of every message: `ad_request_id`, also for the deal that comes of it, so that all of one collaboration
keeps its order. Private words (offers' messages, notes, reviews) are fetched from adrequests. Sides are `sponsor` and
`influencer`; times are UTC.
"""

from datetime import datetime

from shared.kernel.record import record


@record
class OfferSent:
    """A sponsor asks an influencer for work in a campaign: version 1 of the terms. The ad request is sent."""

    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    version: int
    amount_minor: int
    currency: str
    deliverable: str
    terms_hash: str  # hex SHA-256 over the canonical JSON of amount_minor, currency, deliverable
    turn: str  # whose answer is waited for
    expires_at: datetime


@record
class OfferCountered:
    """The side whose turn it was answered with other terms, a new version; now it is the other side's turn."""

    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    version: int
    amount_minor: int
    currency: str
    deliverable: str
    terms_hash: str
    turn: str
    expires_at: datetime
    previous: str  # sent, countered


@record
class OfferDeclined:
    """The side whose turn it was said no."""

    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    version: int
    by_side: str
    previous: str  # sent, countered


@record
class OfferWithdrawn:
    """The side that made the latest version took it back."""

    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    version: int
    by_side: str
    previous: str  # sent, countered


@record
class OfferExpired:
    """The side whose turn it was did not answer in time."""

    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    version: int
    turn: str  # who was silent
    previous: str  # sent, countered


@record
class OfferDeadlineExtended:
    """The time to answer ran out while the campaign was suspended, so it begins anew. The state stays."""

    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    version: int
    expires_at: datetime


@record
class DealAgreed:
    """An offer was accepted: in one step the ad request is accepted, the amount committed in the campaign's budget,
    and the deal is `funding`."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    version: int
    amount_minor: int
    currency: str
    deliverable: str
    terms_hash: str
    accepted_by: str  # the side
    fund_by: datetime
    previous: str  # of the ad request: sent, countered


@record
class FundingFellShort:
    """The wallet did not hold enough when it was asked; the deal stays `funding` until a top-up or `fund_by`."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    amount_minor: int
    currency: str
    missing_minor: int  # at the time of asking


@record
class DealFunded:
    """Escrow holds the amount: the influencer may begin. The deal is `funded`."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    amount_minor: int
    currency: str
    previous: str  # funding
    was_short: bool  # FundingFellShort came before


@record
class WorkSubmitted:
    """The influencer says the work is done and where it is. The deal is `submitted`."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    submission: int  # 1, 2, 3
    post_url: str
    review_by: datetime  # silence until then approves
    previous: str  # funded, changes_requested


@record
class ChangesRequested:
    """The sponsor wants it otherwise; the note is private. The deal is `changes_requested`."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    submission: int  # the one it is about
    changes: int  # how often by now
    changes_allowed: int
    previous: str  # submitted


@record
class WorkApproved:
    """The sponsor, or silence, approved the work: the influencer is to be paid. The deal is `approved`."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    amount_minor: int
    currency: str
    submission: int
    automatic: bool  # by silence
    previous: str  # submitted


@record
class DealCompleted:
    """Escrow is released: in one step the deal is `completed`, its commitment spent, and both may rate."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    amount_minor: int  # moves from committed to spent in the campaign's budget
    currency: str
    rate_by: datetime
    previous: str  # approved


@record
class DealCancelled:
    """The deal is off: in one step it is `cancelled` and its commitment free again."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    amount_minor: int  # moves from committed to free in the campaign's budget
    currency: str
    reason: str  # unfunded
    previous: str  # funding
    was_short: bool


@record
class RatingGiven:
    """One side has rated; how, stays sealed until both have or the time is over."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    by_side: str


@record
class RatingsPublished:
    """Both have rated, or the time is over and one has."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    stars_by_sponsor: int | None  # 1 to 5, of the influencer
    stars_by_influencer: int | None  # 1 to 5, of the sponsor


@record
class RatingsExpired:
    """The time is over and nobody has rated."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str


MESSAGES: dict[str, type] = {
    "adrequests.OfferSent.v1": OfferSent,
    "adrequests.OfferCountered.v1": OfferCountered,
    "adrequests.OfferDeclined.v1": OfferDeclined,
    "adrequests.OfferWithdrawn.v1": OfferWithdrawn,
    "adrequests.OfferExpired.v1": OfferExpired,
    "adrequests.OfferDeadlineExtended.v1": OfferDeadlineExtended,
    "adrequests.DealAgreed.v1": DealAgreed,
    "adrequests.FundingFellShort.v1": FundingFellShort,
    "adrequests.DealFunded.v1": DealFunded,
    "adrequests.WorkSubmitted.v1": WorkSubmitted,
    "adrequests.ChangesRequested.v1": ChangesRequested,
    "adrequests.WorkApproved.v1": WorkApproved,
    "adrequests.DealCompleted.v1": DealCompleted,
    "adrequests.DealCancelled.v1": DealCancelled,
    "adrequests.RatingGiven.v1": RatingGiven,
    "adrequests.RatingsPublished.v1": RatingsPublished,
    "adrequests.RatingsExpired.v1": RatingsExpired,
}
