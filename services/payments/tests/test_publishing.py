"""Each private event has its one public message, or a reason to have none."""

import pytest

from services.payments.domain import account, escrow, topup, waiting, withdrawal
from services.payments.publishing import publish
from services.payments.tests.samples import (
    AD_REQUEST,
    CAMPAIGN,
    DEAL,
    HOLD,
    INFLUENCER,
    NOW,
    SPONSOR,
    held,
    joined,
    left,
    refunded,
    refused,
    released,
    requested,
    scheduled,
    topped_up,
    voided,
    withdrawal_paid,
    withdrawal_requested,
)
from shared.accounts import standing
from shared.contracts import payments as public
from shared.eventstore.codec import Codec

MODULES = (account, escrow, standing, topup, waiting, withdrawal)
IDS = (DEAL, AD_REQUEST, CAMPAIGN, SPONSOR, INFLUENCER)

PUBLISHED: list[tuple[object, object, str]] = [
    (topped_up, public.WalletToppedUp("topup-1", SPONSOR, 80_000, "EUR", "sandbox"), SPONSOR),
    (held, public.FundsHeld(*IDS, 50_000, "EUR"), DEAL),
    (refused, public.FundingRefused(*IDS, 50_000, "EUR", 20_000), DEAL),
    (scheduled, public.ReleaseScheduled(*IDS, 50_000, "EUR", NOW + HOLD), DEAL),
    (released, public.FundsReleased(*IDS, 50_000, 5_000, 45_000, "EUR", "held"), DEAL),
    (refunded, public.FundsRefunded(*IDS, 50_000, "EUR"), DEAL),
    (voided, public.EscrowVoided(*IDS, 50_000, "EUR"), DEAL),
    (withdrawal_requested, public.WithdrawalRequested("withdrawal-1", INFLUENCER, 45_000, "EUR"), INFLUENCER),
    (withdrawal_paid, public.WithdrawalPaid("withdrawal-1", INFLUENCER, 45_000, "EUR", "sandbox"), INFLUENCER),
]

#: Agreed deals are told by adrequests, standings by identity; postings and lines are told as what they are for.
KEPT_PRIVATE: list[object] = [
    requested,
    joined,
    left,
    account.Debited("a", "t", "hold", 1, "EUR"),
    account.Credited("a", "t", "hold", 1, "EUR"),
    standing.StandingNoted(SPONSOR, "sponsor", "active", None),
]


@pytest.mark.parametrize(("event", "message", "key"), PUBLISHED)
def test_what_is_published(event: object, message: object, key: str) -> None:
    assert publish(event) == (message, key)
    codec = Codec(public.MESSAGES)
    assert codec.decode(*codec.encode(message)) == message


@pytest.mark.parametrize("event", KEPT_PRIVATE)
def test_what_is_kept_private(event: object) -> None:
    assert publish(event) is None


def test_every_event_is_published_or_kept_private_on_purpose() -> None:
    known = {event for module in MODULES for event in module.EVENTS.values()}
    assert known == {type(event) for event, *_ in PUBLISHED} | {type(event) for event in KEPT_PRIVATE}
    assert set(public.MESSAGES.values()) == {type(message) for _, message, _ in PUBLISHED}
