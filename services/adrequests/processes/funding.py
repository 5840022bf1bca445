"""Follows a deal's money: held makes it funded, too little makes it short, released completes it."""

from datetime import datetime

from services.adrequests.domain.deal import CompleteDeal, MarkFunded, NoteFundingShort
from shared.contracts import payments
from shared.kernel.record import record

NAME = "funding"

LISTENS: tuple[type, ...] = (payments.FundsHeld, payments.FundingRefused, payments.FundsReleased)

Message = payments.FundsHeld | payments.FundingRefused | payments.FundsReleased


@record
class Followed:
    """Nothing to remember: each message says all, and the deal knows what still fits."""


INITIAL = Followed()


def route(event: Message) -> str | None:
    """One instance per deal."""
    return event.deal_id


def evolve(state: Followed, event: Message) -> Followed:
    """Remember nothing."""
    return state


def react(event: Message, state: Followed, at: datetime) -> list[MarkFunded | NoteFundingShort | CompleteDeal]:
    """Tell the deal."""
    match event:
        case payments.FundsHeld():
            return [MarkFunded(event.deal_id)]
        case payments.FundingRefused():
            return [NoteFundingShort(event.deal_id, event.missing_minor)]
        case payments.FundsReleased():
            return [CompleteDeal(event.deal_id, at)]
