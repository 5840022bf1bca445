"""What the gateway listens to: all living read models are one consumer, and the names of people another."""

from typing import Any

from services.gateway.projections import (
    accounts,
    ad_requests,
    admin_dashboard,
    applications,
    campaign_listing,
    deals,
    influencer_dashboard,
    influencer_directory,
    sponsor_dashboard,
)
from shared.contracts.catalogue import PRODUCERS
from shared.messaging.topics import topic_name

PROJECTIONS: tuple[Any, ...] = (
    accounts,
    ad_requests,
    admin_dashboard,
    applications,
    campaign_listing,
    deals,
    influencer_dashboard,
    influencer_directory,
    sponsor_dashboard,
)

#: The consumers' names: their checkpoints lie under them, and reads wait for them.
READ_MODELS = "projections"
PEOPLE = "people"


def topics(prefix: str) -> dict[str, str]:
    """Return the topic of each producer."""
    return {producer: topic_name(prefix, producer) for producer in PRODUCERS}
