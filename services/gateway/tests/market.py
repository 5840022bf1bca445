"""A small market as messages, by routing key: what the tests of all projections fold."""

from datetime import UTC, date, datetime, timedelta

from shared.contracts import adrequests as ad
from shared.contracts import campaigns as ca
from shared.contracts import identity, moderation
from shared.contracts import payments as pa

T0 = datetime(2026, 3, 1, 9, tzinfo=UTC)
LATER = T0 + timedelta(days=3)

ADMIN, SPONSOR, WAITING, INFLUENCER, ERASED = "admin-1", "sponsor-1", "sponsor-2", "influencer-1", "influencer-2"
CAMPAIGN, HIDDEN, FLAGGED = "campaign-1", "campaign-2", "campaign-3"
APPLICATION, SECOND_APPLICATION = "application-1", "application-2"
AD_REQUEST, DECLINED, SHORT = "ad-request-1", "ad-request-2", "ad-request-3"
DEAL, SHORT_DEAL = "deal-1", "deal-2"

_TEXTS = ("Spring", "Reach", "Three posts about tea", "food")
_DATES = (date(2026, 3, 1), date(2026, 5, 31))


def _drafted(campaign_id: str, visibility: str = "public", budget: int = 500_000) -> ca.CampaignDrafted:
    return ca.CampaignDrafted(campaign_id, SPONSOR, *_TEXTS, budget, "EUR", *_DATES, visibility)


def _published(campaign_id: str, visibility: str = "public", budget: int = 500_000) -> ca.CampaignPublished:
    return ca.CampaignPublished(campaign_id, SPONSOR, *_TEXTS, budget, "EUR", *_DATES, visibility, "draft")


def _sent(ad_request_id: str, amount: int, campaign_id: str = CAMPAIGN) -> ad.OfferSent:
    return ad.OfferSent(
        ad_request_id, campaign_id, SPONSOR, INFLUENCER, 1, amount, "EUR", "A post", "aa", "influencer", LATER
    )


_WHO = (AD_REQUEST, CAMPAIGN, SPONSOR, INFLUENCER)
_DEAL = (DEAL, *_WHO)
_SHORT = (SHORT_DEAL, SHORT, CAMPAIGN, SPONSOR, INFLUENCER)

#: Topic and routing key -> messages in their order. Between keys, and between topics, there is none.
MESSAGES: dict[str, list[object]] = {
    f"identity {ADMIN}": [identity.AccountRegistered(ADMIN, "admin", "active")],
    f"identity {SPONSOR}": [
        identity.AccountRegistered(SPONSOR, "sponsor", "pending_approval"),
        identity.ProfileChanged(SPONSOR, "sponsor", 1, "", ()),
        identity.AccountApproved(SPONSOR, "sponsor"),
    ],
    f"identity {WAITING}": [
        identity.AccountRegistered(WAITING, "sponsor", "pending_approval"),
        identity.AccountRestricted(WAITING, "sponsor", "pending_approval", "spam"),
    ],
    f"identity {INFLUENCER}": [
        identity.AccountRegistered(INFLUENCER, "influencer", "active"),
        identity.ProfileChanged(INFLUENCER, "influencer", 1, "", ()),
        identity.ProfileChanged(
            INFLUENCER,
            "influencer",
            2,
            "food",
            (identity.Platform("instagram", 12_000), identity.Platform("youtube", 3_000)),
        ),
    ],
    f"identity {ERASED}": [
        identity.AccountRegistered(ERASED, "influencer", "active"),
        identity.ProfileChanged(ERASED, "influencer", 1, "travel", (identity.Platform("tiktok", 5),)),
        identity.AccountRestricted(ERASED, "influencer", "active", "fraud"),
        identity.PersonErased(ERASED, "influencer", "active", True),
    ],
    f"campaigns {CAMPAIGN}": [
        _drafted(CAMPAIGN, "private", 400_000),
        ca.CampaignEdited(CAMPAIGN, SPONSOR, *_TEXTS, 500_000, "EUR", *_DATES, "public", "private"),
        _published(CAMPAIGN),
        ca.ApplicationSubmitted(APPLICATION, CAMPAIGN, SPONSOR, INFLUENCER, 90_000, "EUR"),
        ca.ApplicationSubmitted(SECOND_APPLICATION, CAMPAIGN, SPONSOR, ERASED, None, None),
        ca.ApplicationAccepted(APPLICATION, CAMPAIGN, SPONSOR, INFLUENCER),
        ca.ApplicationRejected(SECOND_APPLICATION, CAMPAIGN, SPONSOR, ERASED),
    ],
    f"campaigns {HIDDEN}": [
        _drafted(HIDDEN, "private"),
        _published(HIDDEN, "private"),
        ca.CampaignCompleted(HIDDEN, SPONSOR, "private", "active"),
    ],
    f"campaigns {FLAGGED}": [
        _drafted(FLAGGED),
        _published(FLAGGED),
        ca.CampaignSuspended(FLAGGED, SPONSOR, "public", "active", "fraud"),
    ],
    f"adrequests {AD_REQUEST}": [
        _sent(AD_REQUEST, 80_000),
        ad.OfferCountered(*_WHO, 2, 100_000, "EUR", "Two posts", "bb", "sponsor", LATER, "sent"),
        ad.DealAgreed(*_DEAL, 2, 100_000, "EUR", "Two posts", "bb", "sponsor", LATER, "countered"),
        ad.DealFunded(*_DEAL, 100_000, "EUR", "funding", False),
        ad.WorkSubmitted(*_DEAL, 1, "https://example.org/1", LATER, "funded"),
        ad.ChangesRequested(*_DEAL, 1, 1, 2, "submitted"),
        ad.WorkSubmitted(*_DEAL, 2, "https://example.org/2", LATER, "changes_requested"),
        ad.WorkApproved(*_DEAL, 100_000, "EUR", 2, False, "submitted"),
        ad.DealCompleted(*_DEAL, 100_000, "EUR", LATER, "approved"),
        ad.RatingGiven(*_DEAL, "sponsor"),
        ad.RatingGiven(*_DEAL, "influencer"),
        ad.RatingsPublished(*_DEAL, 5, 4),
    ],
    f"adrequests {DECLINED}": [
        _sent(DECLINED, 10_000),
        ad.OfferDeclined(DECLINED, CAMPAIGN, SPONSOR, INFLUENCER, 1, "influencer", "sent"),
    ],
    f"adrequests {SHORT}": [
        _sent(SHORT, 300_000),
        ad.DealAgreed(*_SHORT, 1, 300_000, "EUR", "A post", "aa", "influencer", LATER, "sent"),
        ad.FundingFellShort(*_SHORT, 300_000, "EUR", 250_000),
    ],
    f"payments {SPONSOR}": [
        pa.WalletToppedUp("top-up-1", SPONSOR, 150_000, "EUR", "sandbox"),
        pa.WalletToppedUp("top-up-2", SPONSOR, 7, "JPY", "sandbox"),
    ],
    f"payments {DEAL}": [
        pa.FundsHeld(*_DEAL, 100_000, "EUR"),
        pa.ReleaseScheduled(*_DEAL, 100_000, "EUR", LATER),
        pa.FundsReleased(*_DEAL, 100_000, 10_000, 90_000, "EUR", "releasing"),
    ],
    f"payments {SHORT_DEAL}": [pa.FundingRefused(*_SHORT, 300_000, "EUR", 250_000)],
    f"payments {INFLUENCER}": [
        pa.WithdrawalRequested("withdrawal-1", INFLUENCER, 60_000, "EUR"),
        pa.WithdrawalPaid("withdrawal-1", INFLUENCER, 60_000, "EUR", "sandbox"),
        pa.WithdrawalRequested("withdrawal-2", INFLUENCER, 5_000, "EUR"),
    ],
    f"moderation {FLAGGED}": [moderation.CampaignFlagged("flag-1", FLAGGED, SPONSOR, "fraud", ADMIN)],
    f"moderation {WAITING}": [moderation.AccountFlagged("flag-2", WAITING, "sponsor", "spam", ADMIN)],
    f"moderation {ERASED}": [
        moderation.AccountFlagged("flag-3", ERASED, "influencer", "fraud", ADMIN),
        moderation.AccountUnflagged("flag-3", ERASED, "influencer", "mistaken", ADMIN),
    ],
}


def timed(by_key: dict[str, list[object]]) -> dict[str, list[tuple[object, datetime]]]:
    """Give each message the time at which it was recorded, which stays with it in every interleaving."""
    minutes = iter(range(10_000))
    return {
        key: [(message, T0 + timedelta(minutes=next(minutes))) for message in messages]
        for key, messages in by_key.items()
    }
