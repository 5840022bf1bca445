"""Campaigns as they are browsed; `own` is for their sponsor and for admins. Reading decides who may see which."""

from datetime import date, datetime
from typing import Any

from services.gateway.projections import counting
from shared.contracts import adrequests as ad
from shared.contracts import campaigns as ca
from shared.kernel.record import record, replace

NAME = "campaign_listing"

LISTENS: tuple[type, ...] = (*ca.MESSAGES.values(), *ad.MESSAGES.values())


@record
class Own:
    """What only the owner and admins see. Amounts in minor units of the campaign's currency."""

    committed_minor: int = 0
    spent_minor: int = 0
    applications: counting.Applications = counting.Applications()
    ad_requests: counting.AdRequests = counting.AdRequests()
    deals: counting.Deals = counting.Deals()
    suspended_for: str | None = None


@record
class Row:
    """One campaign; `state` is '' until its sponsor's first message has arrived."""

    campaign_id: str = ""
    sponsor_id: str = ""
    title: str = ""
    goals: str = ""
    description: str = ""
    niche: str = ""
    budget_minor: int = 0
    currency: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    visibility: str = ""
    state: str = ""
    moderation_status: str = "clear"
    published_at: datetime | None = None
    own: Own = Own()


def keys(event: Any) -> tuple[str, ...]:
    """Return the campaign."""
    return (event.campaign_id,)


def evolve(row: Row, key: str, event: Any, at: datetime) -> Row:
    """Return the campaign after a message about it, or about what is going on in it."""
    row = replace(row, campaign_id=key, sponsor_id=event.sponsor_id, own=_own(row.own, event))
    match event:
        case ca.CampaignDrafted():
            return replace(_described(row, event), state="draft")
        case ca.CampaignEdited():
            return _described(row, event)
        case ca.CampaignPublished():
            return replace(_described(row, event), state="active", published_at=at)
        case ca.CampaignCompleted():
            return replace(row, state="completed")
        case ca.CampaignCancelled():
            return replace(row, state="cancelled")
        case ca.CampaignSuspended():
            return replace(row, moderation_status="suspended")
        case ca.CampaignReinstated():
            return replace(row, moderation_status="clear")
        case _:
            return row


def _described(row: Row, event: ca.CampaignDrafted | ca.CampaignEdited | ca.CampaignPublished) -> Row:
    return replace(
        row,
        title=event.title,
        goals=event.goals,
        description=event.description,
        niche=event.niche,
        budget_minor=event.budget_minor,
        currency=event.currency,
        starts_on=event.starts_on,
        ends_on=event.ends_on,
        visibility=event.visibility,
    )


def _own(own: Own, event: object) -> Own:
    own = replace(
        own,
        applications=counting.applications(own.applications, event),
        ad_requests=counting.ad_requests(own.ad_requests, event),
        deals=counting.deals(own.deals, event),
    )
    match event:
        case ad.DealAgreed(amount_minor=amount):
            return counting.changed(own, committed_minor=amount)
        case ad.DealCompleted(amount_minor=amount):
            return counting.changed(own, committed_minor=-amount, spent_minor=amount)
        case ad.DealCancelled(amount_minor=amount):
            return counting.changed(own, committed_minor=-amount)
        case ca.CampaignSuspended(reason=reason):
            return replace(own, suspended_for=reason)
        case ca.CampaignReinstated():
            return replace(own, suspended_for=None)
        case _:
            return own
