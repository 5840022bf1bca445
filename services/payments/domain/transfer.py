"""Transfers: what an event of an escrow, a wallet or a withdrawal moves between accounts of the ledger.

One account gives, one or more receive, and what is given is the sum of what is received: every transfer is zero in
sum by construction. Its id is made of its purpose and the thing that it is for, so that the same one is never new.
"""

from services.payments.domain import account
from services.payments.domain.account import Credit, Debit
from services.payments.domain.escrow import FundsHeld, FundsRefunded, FundsReleased
from services.payments.domain.topup import WalletToppedUp
from services.payments.domain.withdrawal import WithdrawalPaid, WithdrawalRequested
from shared.kernel.record import record


@record
class Transfer:
    """Money on its way from `giver` to each receiver; `receipts` are (account, amount in minor units)."""

    transfer_id: str
    purpose: str
    currency: str
    giver: str
    receipts: tuple[tuple[str, int], ...]

    @property
    def postings(self) -> tuple[Debit | Credit, ...]:
        """The debit first, since it may be refused; who receives nothing is left out."""
        receipts = [(to, amount) for to, amount in self.receipts if amount]
        given = Debit(self.giver, self.transfer_id, self.purpose, sum(n for _, n in receipts), self.currency)
        return given, *(Credit(to, self.transfer_id, self.purpose, n, self.currency) for to, n in receipts)


Moving = WalletToppedUp | FundsHeld | FundsReleased | FundsRefunded | WithdrawalRequested | WithdrawalPaid


def of(event: Moving) -> Transfer:
    """Return the transfer that makes an event true; it belongs into the same commit."""
    match event:
        case WalletToppedUp(id, sponsor_id, amount, currency):
            giver, to = account.clearing(currency), account.wallet(sponsor_id, currency)
            return Transfer(f"topup:{id}", "topup", currency, giver, ((to, amount),))
        case FundsHeld(deal):
            giver, to = account.wallet(deal.sponsor_id, deal.currency), account.escrow(deal.deal_id, deal.currency)
            return Transfer(f"hold:{deal.deal_id}", "hold", deal.currency, giver, ((to, deal.amount_minor),))
        case FundsReleased(deal, fee, net):
            giver, to = (
                account.escrow(deal.deal_id, deal.currency),
                account.available(deal.influencer_id, deal.currency),
            )
            receipts = ((to, net), (account.fees(deal.currency), fee))
            return Transfer(f"release:{deal.deal_id}", "release", deal.currency, giver, receipts)
        case FundsRefunded(deal):
            giver, to = account.escrow(deal.deal_id, deal.currency), account.wallet(deal.sponsor_id, deal.currency)
            return Transfer(f"refund:{deal.deal_id}", "refund", deal.currency, giver, ((to, deal.amount_minor),))
        case WithdrawalRequested(id, influencer_id, amount, currency):
            giver, to = account.available(influencer_id, currency), account.reserved(influencer_id, currency)
            return Transfer(f"reserve:{id}", "reserve", currency, giver, ((to, amount),))
        case WithdrawalPaid(id, influencer_id, amount, currency):
            giver, to = account.reserved(influencer_id, currency), account.payouts(currency)
            return Transfer(f"payout:{id}", "payout", currency, giver, ((to, amount),))
