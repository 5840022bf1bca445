"""Settles deals: agreed asks for the money, approved releases it, cancelled gives it back or asks no more."""

from datetime import datetime

from services.payments.domain.escrow import ApproveRelease, CancelEscrow, Deal, RequestEscrow
from shared.contracts import adrequests
from shared.kernel.record import record

NAME = "settlement"

LISTENS: tuple[type, ...] = (adrequests.DealAgreed, adrequests.WorkApproved, adrequests.DealCancelled)

Message = adrequests.DealAgreed | adrequests.WorkApproved | adrequests.DealCancelled


@record
class Settling:
    """Nothing to remember: each message says all, and the escrow knows what still fits."""


INITIAL = Settling()


def route(event: Message) -> str | None:
    """One instance per deal."""
    return event.deal_id


def evolve(state: Settling, event: Message) -> Settling:
    """Remember nothing."""
    return state


def react(event: Message, state: Settling, at: datetime) -> list[RequestEscrow | ApproveRelease | CancelEscrow]:
    """Command the escrow."""
    match event:
        case adrequests.DealAgreed():
            return [RequestEscrow(event.deal_id, _deal(event))]
        case adrequests.WorkApproved():
            return [ApproveRelease(event.deal_id, approved_at=at, at=at)]
        case adrequests.DealCancelled():
            return [CancelEscrow(event.deal_id, _deal(event))]


def _deal(event: adrequests.DealAgreed | adrequests.DealCancelled) -> Deal:
    return Deal(
        event.deal_id, event.ad_request_id, event.campaign_id, event.sponsor_id, event.influencer_id,
        event.amount_minor, event.currency,
    )  # fmt: skip
