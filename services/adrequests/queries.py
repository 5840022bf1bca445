"""What adrequests reads for the two sides of an ad request or deal: their private words. All else is the gateway's."""

from datetime import datetime

from services.adrequests.domain import deal, negotiation, rating
from services.adrequests.domain.deal import Deal
from services.adrequests.domain.negotiation import Negotiation
from shared.eventstore.database import Database
from shared.eventstore.execute import Store
from shared.kernel.record import record

TEXTS = """
SELECT number, author_id, text, written_at FROM private_texts
 WHERE kind = $1 AND subject_id = $2 ORDER BY number, written_at, author_id"""


@record
class OfferMessage:
    """What was written beside one version of an offer."""

    version: int
    author_id: str
    message: str
    written_at: datetime


@record
class ChangeNote:
    """What the sponsor wanted otherwise, in one round."""

    round: int
    author_id: str
    note: str
    written_at: datetime


@record
class Review:
    """What one side said of the other."""

    author_id: str
    review: str
    written_at: datetime


async def negotiation_of(store: Store, ad_request_id: str, account_id: str) -> Negotiation:
    """Return the ad request for one of its sides; raises AdRequestUnknown for everybody else."""
    return negotiation.seen_by((await store.as_of(negotiation, ad_request_id))[0], account_id)


async def deal_of(store: Store, deal_id: str, account_id: str) -> Deal:
    """Return the deal for one of its sides; raises DealUnknown for everybody else."""
    return deal.seen_by((await store.as_of(deal, deal_id))[0], account_id)


async def messages(database: Database, ad_request_id: str) -> list[OfferMessage]:
    """Return what was written beside the versions, oldest first."""
    return [OfferMessage(*row) for row in await database.fetch(TEXTS, "offer", ad_request_id)]


async def notes(database: Database, deal_id: str) -> list[ChangeNote]:
    """Return what was wanted otherwise, oldest first."""
    return [ChangeNote(*row) for row in await database.fetch(TEXTS, "changes", deal_id)]


async def reviews(store: Store, database: Database, deal_id: str, account_id: str) -> list[Review]:
    """Return the reviews of a deal; before they are published only what `account_id` itself has written."""
    ratings, _ = await store.as_of(rating, deal_id)
    published = isinstance(ratings, rating.Ratings) and ratings.state == "published"
    found = [
        Review(row["author_id"], row["text"], row["written_at"])
        for row in await database.fetch(TEXTS, "review", deal_id)
    ]
    return [each for each in found if published or each.author_id == account_id]
