"""The people, amounts and times that the tests of payments speak of, and one event of each kind."""

from datetime import UTC, datetime, timedelta

from services.payments.domain import escrow, topup, waiting, withdrawal

SPONSOR, INFLUENCER, CAMPAIGN, AD_REQUEST, DEAL = "sponsor-1", "influencer-1", "campaign-1", "ad-request-1", "deal-1"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOLD = timedelta(hours=72)

OF = escrow.Deal(DEAL, AD_REQUEST, CAMPAIGN, SPONSOR, INFLUENCER, 50_000, "EUR")

requested = escrow.EscrowRequested(OF, 1_000)
held = escrow.FundsHeld(OF)
refused = escrow.FundingRefused(OF, 20_000)
scheduled = escrow.ReleaseScheduled(OF, NOW + HOLD)
released = escrow.FundsReleased(OF, 5_000, 45_000, "held")
refunded = escrow.FundsRefunded(OF)
voided = escrow.EscrowVoided(OF)

OF_ESCROW: tuple[escrow.Event, ...] = (requested, held, refused, scheduled, released, refunded, voided)

topped_up = topup.WalletToppedUp("topup-1", SPONSOR, 80_000, "EUR", "sandbox")
withdrawal_requested = withdrawal.WithdrawalRequested("withdrawal-1", INFLUENCER, 45_000, "EUR")
withdrawal_paid = withdrawal.WithdrawalPaid("withdrawal-1", INFLUENCER, 45_000, "EUR", "sandbox")

LINE = waiting.line_of(SPONSOR, "EUR")
joined = waiting.LineJoined(LINE, DEAL, 50_000)
left = waiting.LineLeft(LINE, DEAL)
