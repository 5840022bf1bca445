"""Which public message each private event becomes, and under which routing key.

Postings and waiting lines stay private: the messages of escrows, wallets and withdrawals say what was moved.
"""

from services.payments.domain import escrow, topup, withdrawal
from shared.contracts import payments as public
from shared.kernel.record import fields_of


def publish(event: object) -> tuple[object, str] | None:
    """Return the public message of an event with its routing key, or None where it has none."""
    match event:
        case topup.WalletToppedUp():
            return public.WalletToppedUp(**fields_of(event)), event.sponsor_id
        case escrow.FundsHeld(deal):
            return public.FundsHeld(**fields_of(deal)), deal.deal_id
        case escrow.FundingRefused(deal, missing):
            return public.FundingRefused(**fields_of(deal), missing_minor=missing), deal.deal_id
        case escrow.ReleaseScheduled(deal, release_at):
            return public.ReleaseScheduled(**fields_of(deal), release_at=release_at), deal.deal_id
        case escrow.FundsReleased(deal, fee, net, previous):
            released = public.FundsReleased(
                deal.deal_id, deal.ad_request_id, deal.campaign_id, deal.sponsor_id, deal.influencer_id,
                event.gross_minor, fee, net, deal.currency, previous,
            )  # fmt: skip
            return released, deal.deal_id
        case escrow.FundsRefunded(deal):
            return public.FundsRefunded(**fields_of(deal)), deal.deal_id
        case escrow.EscrowVoided(deal):
            return public.EscrowVoided(**fields_of(deal)), deal.deal_id
        case withdrawal.WithdrawalRequested():
            return public.WithdrawalRequested(**fields_of(event)), event.influencer_id
        case withdrawal.WithdrawalPaid():
            return public.WithdrawalPaid(**fields_of(event)), event.influencer_id
        case _:
            return None
