"""Applications of influencers to campaigns; what they wrote with them is private and read from campaigns."""

from datetime import datetime
from typing import Any

from shared.contracts import campaigns as ca
from shared.kernel.record import record, replace

NAME = "applications"

LISTENS: tuple[type, ...] = (
    ca.ApplicationSubmitted, ca.ApplicationWithdrawn, ca.ApplicationAccepted, ca.ApplicationRejected,
)  # fmt: skip


@record
class Row:
    """One application; the price that was asked for is in minor units, None where none was named."""

    application_id: str = ""
    campaign_id: str = ""
    sponsor_id: str = ""
    influencer_id: str = ""
    state: str = ""
    price_minor: int | None = None
    currency: str | None = None
    submitted_at: datetime | None = None
    updated_at: datetime | None = None


def keys(event: Any) -> tuple[str, ...]:
    """Return the application."""
    return (event.application_id,)


def evolve(row: Row, key: str, event: Any, at: datetime) -> Row:
    """Return the application after its next step."""
    match event:
        case ca.ApplicationSubmitted():
            return Row(
                key, event.campaign_id, event.sponsor_id, event.influencer_id, "submitted", event.price_minor,
                event.currency, at, at,
            )  # fmt: skip
        case ca.ApplicationWithdrawn():
            return replace(row, state="withdrawn", updated_at=at)
        case ca.ApplicationAccepted():
            return replace(row, state="accepted", updated_at=at)
        case ca.ApplicationRejected():
            return replace(row, state="rejected", updated_at=at)
        case _:
            return row
