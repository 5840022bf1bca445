"""What campaigns tells everybody: what sponsors want promoted, and who would like to do it.

Routing key of every message: `campaign_id`. An application's message is private and fetched from campaigns.
"""

from datetime import date

from shared.kernel.record import record


@record
class CampaignDrafted:
    """A sponsor began a campaign; nobody else sees it yet. Its state is draft."""

    campaign_id: str
    sponsor_id: str
    title: str
    goals: str
    description: str
    niche: str
    budget_minor: int
    currency: str
    starts_on: date
    ends_on: date
    visibility: str  # public, private


@record
class CampaignEdited:
    """The draft reads like this now: all fields, changed or not."""

    campaign_id: str
    sponsor_id: str
    title: str
    goals: str
    description: str
    niche: str
    budget_minor: int
    currency: str
    starts_on: date
    ends_on: date
    visibility: str
    previous_visibility: str


@record
class CampaignPublished:
    """The campaign is active, with these terms. Its budget opens with it."""

    campaign_id: str
    sponsor_id: str
    title: str
    goals: str
    description: str
    niche: str
    budget_minor: int
    currency: str
    starts_on: date
    ends_on: date
    visibility: str
    previous: str  # draft


@record
class CampaignCompleted:
    """The sponsor closed the campaign: no more applications or ad requests."""

    campaign_id: str
    sponsor_id: str
    visibility: str
    previous: str  # active


@record
class CampaignCancelled:
    """The sponsor gave the campaign up."""

    campaign_id: str
    sponsor_id: str
    visibility: str
    previous: str  # draft, active


@record
class CampaignSuspended:
    """Consequence of a moderation flag: out of every list, frozen. `state` lies below and stays."""

    campaign_id: str
    sponsor_id: str
    visibility: str
    state: str  # draft, active, completed, cancelled
    reason: str  # the flag's code


@record
class CampaignReinstated:
    """The flag is gone; the campaign stands in `state`, exactly as it would without it."""

    campaign_id: str
    sponsor_id: str
    visibility: str
    state: str


@record
class ApplicationSubmitted:
    """An influencer would like to join; once per campaign and influencer. A price is optional, both fields or none."""

    application_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    price_minor: int | None
    currency: str | None


@record
class ApplicationWithdrawn:
    """The influencer took the submitted application back."""

    application_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str


@record
class ApplicationAccepted:
    """Consequence of an accepted offer between the two in this campaign: the submitted application is accepted."""

    application_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str


@record
class ApplicationRejected:
    """The sponsor said no to the submitted application."""

    application_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str


MESSAGES: dict[str, type] = {
    "campaigns.CampaignDrafted.v1": CampaignDrafted,
    "campaigns.CampaignEdited.v1": CampaignEdited,
    "campaigns.CampaignPublished.v1": CampaignPublished,
    "campaigns.CampaignCompleted.v1": CampaignCompleted,
    "campaigns.CampaignCancelled.v1": CampaignCancelled,
    "campaigns.CampaignSuspended.v1": CampaignSuspended,
    "campaigns.CampaignReinstated.v1": CampaignReinstated,
    "campaigns.ApplicationSubmitted.v1": ApplicationSubmitted,
    "campaigns.ApplicationWithdrawn.v1": ApplicationWithdrawn,
    "campaigns.ApplicationAccepted.v1": ApplicationAccepted,
    "campaigns.ApplicationRejected.v1": ApplicationRejected,
}
