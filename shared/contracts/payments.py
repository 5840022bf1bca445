"""What payments tells everybody: where the money of wallets, escrows and earnings is.

Routing keys: `sponsor_id` for the wallet, `deal_id` for an escrow, `influencer_id` for earnings. Every message is a
movement, or the refusal of one: balances are sums over them, in whatever order the keys arrive. Amounts in minor units.
"""

from datetime import datetime

from shared.kernel.record import record


@record
class WalletToppedUp:
    """Money from outside arrived: the sponsor's wallet has `amount_minor` more."""

    topup_id: str
    sponsor_id: str
    amount_minor: int
    currency: str
    provider: str


@record
class FundsHeld:
    """The deal's amount moved from the sponsor's wallet into escrow."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    amount_minor: int
    currency: str


@record
class FundingRefused:
    """The wallet holds too little; the deal waits, in order, for top-ups that make it fit. Said once per deal."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    amount_minor: int
    currency: str
    missing_minor: int  # at the time of asking


@record
class ReleaseScheduled:
    """The work is approved: escrow is released at `release_at`, and nothing but a dispute can hold it up."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    amount_minor: int
    currency: str
    release_at: datetime  # UTC


@record
class FundsReleased:
    """Escrow paid out: net to the influencer's earnings, fee to the platform; gross is both."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    gross_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    previous: str  # held, releasing


@record
class FundsRefunded:
    """The deal is off after the money was held: all of it moved back from escrow into the sponsor's wallet."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    amount_minor: int
    currency: str


@record
class EscrowVoided:
    """The deal is off before any money was held; nothing will ever be held for it."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    amount_minor: int
    currency: str


@record
class WithdrawalRequested:
    """An influencer takes earnings out: the amount moved from available to reserved."""

    withdrawal_id: str
    influencer_id: str
    amount_minor: int
    currency: str


@record
class WithdrawalPaid:
    """The provider paid: the amount left the platform, from reserved."""

    withdrawal_id: str
    influencer_id: str
    amount_minor: int
    currency: str
    provider: str


MESSAGES: dict[str, type] = {
    "payments.WalletToppedUp.v1": WalletToppedUp,
    "payments.FundsHeld.v1": FundsHeld,
    "payments.FundingRefused.v1": FundingRefused,
    "payments.ReleaseScheduled.v1": ReleaseScheduled,
    "payments.FundsReleased.v1": FundsReleased,
    "payments.FundsRefunded.v1": FundsRefunded,
    "payments.EscrowVoided.v1": EscrowVoided,
    "payments.WithdrawalRequested.v1": WithdrawalRequested,
    "payments.WithdrawalPaid.v1": WithdrawalPaid,
}
