"""Each flag has its public message, under its subject's key; what was only noted has none."""

import pytest

from services.moderation.domain import flag
from services.moderation.publishing import publish
from services.moderation.tests import test_flag as flags
from shared.contracts import moderation as public
from shared.eventstore.codec import Codec

CAMPAIGN = (flags.FLAG, flags.CAMPAIGN, flags.SPONSOR)
ACCOUNT = (flags.FLAG, flags.ACCOUNT, "influencer")

PUBLISHED = [
    (flags.campaign_flagged, public.CampaignFlagged(*CAMPAIGN, "fraud", flags.ADMIN), flags.CAMPAIGN),
    (flags.campaign_unflagged, public.CampaignUnflagged(*CAMPAIGN, "cleared", flags.ADMIN), flags.CAMPAIGN),
    (flags.account_flagged, public.AccountFlagged(*ACCOUNT, "spam", flags.ADMIN), flags.ACCOUNT),
    (flags.account_unflagged, public.AccountUnflagged(*ACCOUNT, "mistaken", flags.ADMIN), flags.ACCOUNT),
]


@pytest.mark.parametrize(("private", "message", "key"), PUBLISHED)
def test_what_is_published(private: object, message: object, key: str) -> None:
    assert publish(private) == (message, key)
    codec = Codec(public.MESSAGES)
    assert codec.decode(*codec.encode(message)) == message


def test_every_flag_is_published_and_no_note() -> None:
    assert {type(message) for _, message, _ in PUBLISHED} == set(public.MESSAGES.values())
    assert publish(flag.CampaignNoted("campaign-1", "sponsor-1")) is None
    assert publish(flag.AccountNoted("account-1", "sponsor")) is None
