"""Which public message each private event becomes, and under which routing key: always the campaign's."""

from services.campaigns.domain import application, campaign
from shared.contracts import campaigns as public
from shared.kernel.record import fields_of


def publish(event: object) -> tuple[object, str] | None:
    """Return the public message of an event with its routing key, or None where it has none."""
    match event:
        case campaign.CampaignDrafted(id, sponsor_id, details):
            return public.CampaignDrafted(id, sponsor_id, **fields_of(details)), id
        case campaign.CampaignEdited(id, sponsor_id, details, previous):
            return public.CampaignEdited(id, sponsor_id, **fields_of(details), previous_visibility=previous), id
        case campaign.CampaignPublished(id, sponsor_id, details):
            return public.CampaignPublished(id, sponsor_id, **fields_of(details), previous="draft"), id
        case campaign.CampaignCompleted(id, sponsor_id, visibility):
            return public.CampaignCompleted(id, sponsor_id, visibility, previous="active"), id
        case campaign.CampaignCancelled(id, sponsor_id, visibility, previous):
            return public.CampaignCancelled(id, sponsor_id, visibility, previous), id
        case campaign.CampaignSuspended(id, sponsor_id, visibility, state, reason):
            return public.CampaignSuspended(id, sponsor_id, visibility, state, reason), id
        case campaign.CampaignReinstated(id, sponsor_id, visibility, state):
            return public.CampaignReinstated(id, sponsor_id, visibility, state), id
        case application.ApplicationSubmitted(id, campaign_id, sponsor_id, influencer_id, price):
            minor, currency = (price.amount_minor, price.currency) if price else (None, None)
            message = public.ApplicationSubmitted(id, campaign_id, sponsor_id, influencer_id, minor, currency)
            return message, campaign_id
        case application.ApplicationWithdrawn(id, campaign_id, sponsor_id, influencer_id):
            return public.ApplicationWithdrawn(id, campaign_id, sponsor_id, influencer_id), campaign_id
        case application.ApplicationRejected(id, campaign_id, sponsor_id, influencer_id):
            return public.ApplicationRejected(id, campaign_id, sponsor_id, influencer_id), campaign_id
        case application.ApplicationAccepted(id, campaign_id, sponsor_id, influencer_id):
            return public.ApplicationAccepted(id, campaign_id, sponsor_id, influencer_id), campaign_id
        case _:
            return None
