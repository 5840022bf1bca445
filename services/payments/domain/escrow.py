"""The escrow of a deal: one hold, one outcome.

requested -> held -> (releasing ->) released | refunded; requested -> voided. What is over before it is known is voided
too, and a request that comes after it finds the tombstone. The fee is the one that stood when the deal was agreed.
"""

from datetime import datetime, timedelta

from shared.kernel.money import share_of
from shared.kernel.record import record, replace

CATEGORY = "escrow"


@record
class Deal:
    """The deal as adrequests told it: what every message about its money says."""

    deal_id: str
    ad_request_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    amount_minor: int
    currency: str


# Commands: all of the process `settlement`, of a top-up, or of a deadline, so that none is ever refused.


@record
class RequestEscrow:
    """The deal is agreed."""

    deal_id: str
    deal: Deal
    fee_basis_points: int = 0  # told by the application


@record
class HoldFunds:
    """Money is asked for: after the request, and when a top-up makes it fit."""

    deal_id: str
    available_minor: int  # told: the wallet's balance


@record
class ApproveRelease:
    """The work is approved."""

    deal_id: str
    approved_at: datetime
    at: datetime
    payout_hold: timedelta = timedelta(0)  # told by the application


@record
class ReleaseFunds:
    """Of the deadline `release_due`."""

    deal_id: str
    at: datetime


@record
class CancelEscrow:
    """The deal is off."""

    deal_id: str
    deal: Deal


Command = RequestEscrow | HoldFunds | ApproveRelease | ReleaseFunds | CancelEscrow

# Events


@record
class EscrowRequested:
    of: Deal
    fee_basis_points: int


@record
class FundsHeld:
    of: Deal


@record
class FundingRefused:
    of: Deal
    missing_minor: int


@record
class ReleaseScheduled:
    of: Deal
    release_at: datetime


@record
class FundsReleased:
    of: Deal
    fee_minor: int
    net_minor: int
    previous: str

    @property
    def gross_minor(self) -> int:
        """What was held."""
        return self.fee_minor + self.net_minor


@record
class FundsRefunded:
    of: Deal


@record
class EscrowVoided:
    of: Deal


Event = EscrowRequested | FundsHeld | FundingRefused | ReleaseScheduled | FundsReleased | FundsRefunded | EscrowVoided

EVENTS: dict[str, type] = {
    "payments.EscrowRequested.v1": EscrowRequested,
    "payments.FundsHeld.v1": FundsHeld,
    "payments.FundingRefused.v1": FundingRefused,
    "payments.ReleaseScheduled.v1": ReleaseScheduled,
    "payments.FundsReleased.v1": FundsReleased,
    "payments.FundsRefunded.v1": FundsRefunded,
    "payments.EscrowVoided.v1": EscrowVoided,
}

# States


@record
class Empty:
    """Nothing was asked for."""


@record
class Escrow:
    of: Deal
    fee_basis_points: int = 0
    state: str = "requested"  # requested, held, releasing, released, refunded, voided
    refused: bool = False  # waits for a top-up
    release_at: datetime | None = None


State = Empty | Escrow

INITIAL: State = Empty()


def decide(command: Command, state: State) -> list[Event]:
    """A process is answered by a fact, and may ask twice."""
    match command, state:
        case RequestEscrow(_, deal, fee_basis_points), Empty():
            return [EscrowRequested(deal, fee_basis_points)]
        case CancelEscrow(_, deal), Empty():
            return [EscrowVoided(deal)]
        case HoldFunds(_, available), Escrow(state="requested", of=deal) as own:
            if deal.amount_minor <= available:
                return [FundsHeld(deal)]
            return [] if own.refused else [FundingRefused(deal, deal.amount_minor - available)]
        case CancelEscrow(), Escrow(state="requested", of=deal):
            return [EscrowVoided(deal)]
        case CancelEscrow(), Escrow(state="held", of=deal):
            return [FundsRefunded(deal)]
        case ApproveRelease(_, approved_at, at, payout_hold), Escrow(state="held", of=deal) as own:
            release_at = approved_at + payout_hold
            return [_released(own)] if at >= release_at else [ReleaseScheduled(deal, release_at)]
        case ReleaseFunds(_, at), Escrow(state="releasing", release_at=datetime() as due) as own if at >= due:
            return [_released(own)]
        case _:
            return []


def _released(own: Escrow) -> FundsReleased:
    fee = share_of(own.of.amount_minor, own.fee_basis_points)
    return FundsReleased(own.of, fee, own.of.amount_minor - fee, own.state)


def evolve(state: State, event: Event) -> State:
    """Return the escrow after an event."""
    match event, state:
        case EscrowRequested(deal, fee_basis_points), Empty():
            return Escrow(deal, fee_basis_points)
        case EscrowVoided(deal), Empty():
            return Escrow(deal, state="voided")
        case FundsHeld(), Escrow():
            return replace(state, state="held", refused=False)
        case FundingRefused(), Escrow():
            return replace(state, refused=True)
        case ReleaseScheduled(_, release_at), Escrow():
            return replace(state, state="releasing", release_at=release_at)
        case FundsReleased(), Escrow():
            return replace(state, state="released")
        case FundsRefunded(), Escrow():
            return replace(state, state="refunded")
        case EscrowVoided(), Escrow():
            return replace(state, state="voided", refused=False)
        case _:
            return state
