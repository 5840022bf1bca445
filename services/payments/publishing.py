"""Which public message each private event becomes, and under which routing key.

Postings and waiting lines stay private: the messages of escrows, wallets and withdrawals say what was moved.
"""

from dataclasses import asdict

from services.payments.domain import escrow, topup, withdrawal
from shared.contracts import payments as public


def publish(event: object) -> tuple[object, str] | None:
    """Return the public message of an event with its routing key, or None where it has none."""
    match event:
        case topup.WalletToppedUp():
            return public.WalletToppedUp(**asdict(event)), event.sponsor_id
        case escrow.FundsHeld(deal):
            return public.FundsHeld(**asdict(deal)), deal.deal_id
        case escrow.FundingRefused(deal, missing):
            return public.FundingRefused(**asdict(deal), missing_minor=missing), deal.deal_id
        case escrow.ReleaseScheduled(deal, release_at):
            return public.ReleaseScheduled(**asdict(deal), release_at=release_at), deal.deal_id
        case escrow.FundsReleased(deal, fee, net, previous):
            released = public.FundsReleased(
                deal.deal_id, deal.ad_request_id, deal.campaign_id, deal.sponsor_id, deal.influencer_id,
                event.gross_minor, fee, net, deal.currency, previous,
            )  # fmt: skip
            return released, deal.deal_id
        case escrow.FundsRefunded(deal):
            return public.FundsRefunded(**asdict(deal)), deal.deal_id
        case escrow.EscrowVoided(deal):
            return public.EscrowVoided(**asdict(deal)), deal.deal_id
        case withdrawal.WithdrawalRequested():
            return public.WithdrawalRequested(**asdict(event)), event.influencer_id
        case withdrawal.WithdrawalPaid():
            return public.WithdrawalPaid(**asdict(event)), event.influencer_id
        case _:
            return None
