"""The people, terms and times that the tests of adrequests speak of, and one event of each kind."""

from datetime import UTC, date, datetime, timedelta

from services.adrequests.domain import deal, negotiation, rating
from services.adrequests.domain.terms import Parties, Terms, hash_of

CAMPAIGN, SPONSOR, INFLUENCER, STRANGER = "campaign-1", "sponsor-1", "influencer-1", "stranger-1"
AD_REQUEST, DEAL = "ad-request-1", "deal-1"
PARTIES = Parties(CAMPAIGN, SPONSOR, INFLUENCER)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LAST_DAY = date(2026, 5, 31)
LATER = NOW + timedelta(hours=1)

TERMS = Terms(50_000, "EUR", "One reel of 30 seconds")
OTHER_TERMS = Terms(65_000, "EUR", "One reel of 30 seconds and one story")
HASH, OTHER_HASH = hash_of(TERMS), hash_of(OTHER_TERMS)

URL = "https://video.example/p/1"

# A negotiation

sent = negotiation.OfferSent(AD_REQUEST, PARTIES, 1, TERMS, HASH, "influencer", NOW + negotiation.TURN)
countered = negotiation.OfferCountered(
    AD_REQUEST, PARTIES, 2, OTHER_TERMS, OTHER_HASH, "sponsor", LATER + negotiation.TURN, "sent"
)
accepted = negotiation.OfferAccepted(AD_REQUEST, PARTIES, 1, HASH, DEAL, "influencer", "sent")
declined = negotiation.OfferDeclined(AD_REQUEST, PARTIES, 1, "influencer", "sent")
withdrawn = negotiation.OfferWithdrawn(AD_REQUEST, PARTIES, 1, "sponsor", "sent")
expired = negotiation.OfferExpired(AD_REQUEST, PARTIES, 1, "influencer", "sent")
extended = negotiation.OfferDeadlineExtended(AD_REQUEST, PARTIES, 1, NOW + 2 * negotiation.TURN)

OF_NEGOTIATION: tuple[negotiation.Event, ...] = (sent, countered, accepted, declined, withdrawn, expired, extended)

# A deal

OF = deal.Of(DEAL, AD_REQUEST, PARTIES, TERMS.amount_minor, TERMS.currency)
agreed = deal.DealAgreed(OF, 1, TERMS, HASH, "influencer", NOW + deal.FUNDING, "sent")
fell_short = deal.FundingFellShort(OF, 20_000)
funded = deal.DealFunded(OF, "funding", False)
cancelled = deal.DealCancelled(OF, "unfunded", "funding", False)
submitted = deal.WorkSubmitted(OF, 1, URL, NOW + deal.REVIEW, "funded")
changes = deal.ChangesRequested(OF, 1, 1, 2, "submitted")
approved = deal.WorkApproved(OF, 1, False, "submitted")
completed = deal.DealCompleted(OF, NOW + rating.RATING, "approved")

OF_DEAL: tuple[deal.Event, ...] = (
    agreed, fell_short, funded, cancelled, submitted, changes, approved, completed,
)  # fmt: skip

# Its ratings

opened = rating.RatingsOpened(DEAL, AD_REQUEST, PARTIES, NOW + rating.RATING)
by_sponsor = rating.RatingGiven(DEAL, AD_REQUEST, PARTIES, "sponsor", 4)
by_influencer = rating.RatingGiven(DEAL, AD_REQUEST, PARTIES, "influencer", 5)
published = rating.RatingsPublished(DEAL, AD_REQUEST, PARTIES, 4, 5)
unrated = rating.RatingsExpired(DEAL, AD_REQUEST, PARTIES)

OF_RATING: tuple[rating.Event, ...] = (opened, by_sponsor, by_influencer, published, unrated)
