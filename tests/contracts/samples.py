"""One believable sample of each public event: a campaign for running shoes, and the deals that come of it."""

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from services.adrequests.domain.terms import Terms, hash_of
from shared.contracts import adrequests, campaigns, identity, moderation, payments

_START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def id_of(what: str, days: int = 0) -> str:
    """Return a UUIDv7, always the same for the same thing."""
    at = int((_START + timedelta(days=days)).timestamp() * 1000)
    tail = sha256(what.encode()).hexdigest()
    time = f"{at:012x}"
    return f"{time[:8]}-{time[8:]}-7{tail[:3]}-a{tail[3:6]}-{tail[6:18]}"


def at(days: int) -> datetime:
    return _START + timedelta(days=days)


ADMIN = id_of("admin")
SPONSOR = id_of("sponsor")
INFLUENCER = id_of("influencer", 1)
CAMPAIGN = id_of("campaign", 2)
APPLICATION = id_of("application", 3)
AD_REQUEST = id_of("ad request", 4)
DEAL = id_of("deal", 6)
WITHDRAWAL = id_of("withdrawal", 20)

TERMS = Terms(150_000, "EUR", "One video of 60 seconds and two stories with the new trail shoe.")
COUNTERED = Terms(180_000, "EUR", "One video of 60 seconds and three stories with the new trail shoe.")

DETAILS: dict[str, Any] = {
    "title": "Spring trails",
    "goals": "Make trail runners aware of the new shoe before the season begins.",
    "description": "Short videos of real runs on real trails, in any weather.",
    "niche": "running",
    "budget_minor": 1_000_000,
    "currency": "EUR",
    "starts_on": date(2026, 3, 16),
    "ends_on": date(2026, 5, 31),
    "visibility": "public",
}
OF_CAMPAIGN: dict[str, Any] = {"campaign_id": CAMPAIGN, "sponsor_id": SPONSOR}
OF_APPLICATION: dict[str, Any] = {"application_id": APPLICATION, **OF_CAMPAIGN, "influencer_id": INFLUENCER}
OF_AD_REQUEST: dict[str, Any] = {"ad_request_id": AD_REQUEST, **OF_CAMPAIGN, "influencer_id": INFLUENCER}
OF_DEAL: dict[str, Any] = {"deal_id": DEAL, **OF_AD_REQUEST}
AGREED: dict[str, Any] = {"amount_minor": COUNTERED.amount_minor, "currency": "EUR"}


def terms(told: Terms) -> dict[str, Any]:
    return {
        "amount_minor": told.amount_minor,
        "currency": told.currency,
        "deliverable": told.deliverable,
        "terms_hash": hash_of(told),
    }


FLAG: dict[str, Any] = {"flag_id": id_of("flag", 9), "by": ADMIN}

SAMPLES: tuple[object, ...] = (
    identity.AccountRegistered(SPONSOR, "sponsor", "pending_approval"),
    identity.AccountApproved(SPONSOR, "sponsor"),
    identity.AccountRejected(id_of("other sponsor"), "sponsor", "business_unconfirmed"),
    identity.AccountRestricted(INFLUENCER, "influencer", "active", "fake_traffic"),
    identity.AccountRestrictionLifted(INFLUENCER, "influencer", "active"),
    identity.ProfileChanged(
        INFLUENCER, "influencer", 2, "running",
        (identity.Platform("instagram", 48_200), identity.Platform("youtube", 12_750)),
    ),
    identity.PersonErased(INFLUENCER, "influencer", "active", False),
    campaigns.CampaignDrafted(**OF_CAMPAIGN, **DETAILS),
    campaigns.CampaignEdited(**OF_CAMPAIGN, **DETAILS, previous_visibility="private"),
    campaigns.CampaignPublished(**OF_CAMPAIGN, **DETAILS, previous="draft"),
    campaigns.CampaignCompleted(**OF_CAMPAIGN, visibility="public", previous="active"),
    campaigns.CampaignCancelled(**OF_CAMPAIGN, visibility="public", previous="active"),
    campaigns.CampaignSuspended(**OF_CAMPAIGN, visibility="public", state="active", reason="undisclosed_ad"),
    campaigns.CampaignReinstated(**OF_CAMPAIGN, visibility="public", state="active"),
    campaigns.ApplicationSubmitted(**OF_APPLICATION, price_minor=TERMS.amount_minor, currency="EUR"),
    campaigns.ApplicationWithdrawn(**OF_APPLICATION),
    campaigns.ApplicationAccepted(**OF_APPLICATION),
    campaigns.ApplicationRejected(**OF_APPLICATION),
    adrequests.OfferSent(**OF_AD_REQUEST, version=1, **terms(TERMS), turn="influencer", expires_at=at(11)),
    adrequests.OfferCountered(
        **OF_AD_REQUEST, version=2, **terms(COUNTERED), turn="sponsor", expires_at=at(12), previous="sent"
    ),
    adrequests.OfferDeclined(**OF_AD_REQUEST, version=2, by_side="sponsor", previous="countered"),
    adrequests.OfferWithdrawn(**OF_AD_REQUEST, version=1, by_side="sponsor", previous="sent"),
    adrequests.OfferExpired(**OF_AD_REQUEST, version=2, turn="sponsor", previous="countered"),
    adrequests.OfferDeadlineExtended(**OF_AD_REQUEST, version=2, expires_at=at(19)),
    adrequests.DealAgreed(
        **OF_DEAL, version=2, **terms(COUNTERED), accepted_by="sponsor", fund_by=at(13), previous="countered"
    ),
    adrequests.FundingFellShort(**OF_DEAL, **AGREED, missing_minor=30_000),
    adrequests.DealFunded(**OF_DEAL, **AGREED, previous="funding", was_short=True),
    adrequests.WorkSubmitted(
        **OF_DEAL, submission=1, post_url="https://video.example/watch/4711", review_by=at(17), previous="funded"
    ),
    adrequests.ChangesRequested(**OF_DEAL, submission=1, changes=1, changes_allowed=2, previous="submitted"),
    adrequests.WorkApproved(**OF_DEAL, **AGREED, submission=2, automatic=False, previous="submitted"),
    adrequests.DealCompleted(**OF_DEAL, **AGREED, rate_by=at(33), previous="approved"),
    adrequests.DealCancelled(**OF_DEAL, **AGREED, reason="unfunded", previous="funding", was_short=True),
    adrequests.RatingGiven(**OF_DEAL, by_side="influencer"),
    adrequests.RatingsPublished(**OF_DEAL, stars_by_sponsor=5, stars_by_influencer=None),
    adrequests.RatingsExpired(**OF_DEAL),
    payments.WalletToppedUp(id_of("topup", 3), SPONSOR, 150_000, "EUR", "sandbox"),
    payments.FundsHeld(**OF_DEAL, **AGREED),
    payments.FundingRefused(**OF_DEAL, **AGREED, missing_minor=30_000),
    payments.ReleaseScheduled(**OF_DEAL, **AGREED, release_at=at(19)),
    payments.FundsReleased(
        **OF_DEAL, gross_minor=180_000, fee_minor=18_000, net_minor=162_000, currency="EUR", previous="releasing"
    ),
    payments.FundsRefunded(**OF_DEAL, **AGREED),
    payments.EscrowVoided(**OF_DEAL, **AGREED),
    payments.WithdrawalRequested(WITHDRAWAL, INFLUENCER, 162_000, "EUR"),
    payments.WithdrawalPaid(WITHDRAWAL, INFLUENCER, 162_000, "EUR", "sandbox"),
    moderation.CampaignFlagged(**FLAG, **OF_CAMPAIGN, reason="undisclosed_ad"),
    moderation.CampaignUnflagged(**FLAG, **OF_CAMPAIGN, reason="remedied"),
    moderation.AccountFlagged(**FLAG, account_id=INFLUENCER, role="influencer", reason="fake_traffic"),
    moderation.AccountUnflagged(**FLAG, account_id=INFLUENCER, role="influencer", reason="mistaken"),
)  # fmt: skip

#: Metadata with all that there can be: an admin cancels a campaign for its sponsor.
FULL_METADATA = {
    "actor": ADMIN,
    "correlation_id": id_of("request", 5),
    "causation_id": id_of("cause", 5),
    "on_behalf_of": SPONSOR,
    "reason": "support_request",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}
BARE_METADATA = {name: FULL_METADATA[name] for name in ("actor", "correlation_id")}
