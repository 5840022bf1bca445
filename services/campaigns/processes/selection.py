"""A deal answers the application of the same influencer in the same campaign: it is accepted.

The application comes from this service's own topic, the deal from adrequests, in either order.
"""

from datetime import datetime

from services.campaigns.domain.application import AcceptApplication
from shared.contracts import adrequests, campaigns
from shared.kernel.record import record, replace

NAME = "selection"

LISTENS: tuple[type, ...] = (campaigns.ApplicationSubmitted, adrequests.DealAgreed)

Message = campaigns.ApplicationSubmitted | adrequests.DealAgreed


@record
class Candidate:
    application_id: str | None = None
    agreed: bool = False


INITIAL = Candidate()


def route(event: Message) -> str | None:
    """One instance per campaign and influencer."""
    return f"{event.campaign_id}:{event.influencer_id}"


def evolve(state: Candidate, event: Message) -> Candidate:
    """Remember which of the two has come."""
    match event:
        case campaigns.ApplicationSubmitted():
            return replace(state, application_id=event.application_id)
        case adrequests.DealAgreed():
            return replace(state, agreed=True)


def react(event: Message, state: Candidate, at: datetime) -> list[AcceptApplication]:
    """Accept as soon as both have."""
    if state.agreed and state.application_id is not None:
        return [AcceptApplication(state.application_id)]
    return []
