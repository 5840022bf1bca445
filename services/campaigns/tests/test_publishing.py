"""Each private event has its public message, under the campaign's key, and the standing has none."""

import pytest

from services.campaigns.domain import application, campaign
from services.campaigns.publishing import publish
from services.campaigns.tests import test_application as applications
from services.campaigns.tests import test_campaign as campaigns
from shared.accounts import standing
from shared.contracts import campaigns as public
from shared.eventstore.codec import Codec

FIELDS = campaigns.DETAILS
TEXT = (FIELDS.title, FIELDS.goals, FIELDS.description, FIELDS.niche)
MONEY_AND_DATES = (FIELDS.budget_minor, FIELDS.currency, FIELDS.starts_on, FIELDS.ends_on)
ID, SPONSOR = campaigns.ID, campaigns.SPONSOR

PUBLISHED = [
    (campaigns.drafted, public.CampaignDrafted(ID, SPONSOR, *TEXT, *MONEY_AND_DATES, "public")),
    (
        campaign.CampaignEdited(ID, SPONSOR, FIELDS, "private"),
        public.CampaignEdited(ID, SPONSOR, *TEXT, *MONEY_AND_DATES, "public", "private"),
    ),
    (campaigns.published, public.CampaignPublished(ID, SPONSOR, *TEXT, *MONEY_AND_DATES, "public", "draft")),
    (campaigns.completed, public.CampaignCompleted(ID, SPONSOR, "public", "active")),
    (campaigns.cancelled, public.CampaignCancelled(ID, SPONSOR, "public", "active")),
    (campaigns.suspended, public.CampaignSuspended(ID, SPONSOR, "public", "active", "fraud")),
    (campaigns.reinstated, public.CampaignReinstated(ID, SPONSOR, "public", "active")),
    (applications.submitted, public.ApplicationSubmitted(applications.ID, *applications.PARTIES, 5_000, "EUR")),
    (
        application.ApplicationSubmitted(applications.ID, *applications.PARTIES, None),
        public.ApplicationSubmitted(applications.ID, *applications.PARTIES, None, None),
    ),
    (applications.withdrawn, public.ApplicationWithdrawn(applications.ID, *applications.PARTIES)),
    (applications.rejected, public.ApplicationRejected(applications.ID, *applications.PARTIES)),
    (applications.accepted, public.ApplicationAccepted(applications.ID, *applications.PARTIES)),
]


@pytest.mark.parametrize(("private", "message"), PUBLISHED)
def test_what_is_published(private: object, message: object) -> None:
    assert publish(private) == (message, campaigns.ID)
    codec = Codec(public.MESSAGES)
    assert codec.decode(*codec.encode(message)) == message


def test_every_event_of_campaigns_and_applications_is_published_and_no_standing() -> None:
    shown = {type(private) for private, _ in PUBLISHED}
    assert shown == {*campaign.EVENTS.values(), *application.EVENTS.values()}
    assert {type(message) for _, message in PUBLISHED} == set(public.MESSAGES.values())
    assert publish(standing.StandingNoted("sponsor-1", "sponsor", "active", None)) is None
