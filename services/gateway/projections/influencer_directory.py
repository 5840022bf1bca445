"""Influencers as sponsors find them. Names are personal and joined when reading; the restricted are left out then."""

from datetime import datetime
from typing import Any

from services.gateway.projections.counting import Stars, rated
from shared.contracts import adrequests as ad
from shared.contracts import identity
from shared.kernel.record import record, replace

NAME = "influencer_directory"

LISTENS: tuple[type, ...] = (
    identity.AccountRegistered, identity.AccountRestricted, identity.AccountRestrictionLifted,
    identity.ProfileChanged, identity.PersonErased, ad.DealCompleted, ad.RatingsPublished,
)  # fmt: skip


@record
class Row:
    """One influencer; `state` is '' until identity's first message has arrived."""

    influencer_id: str = ""
    state: str = ""  # active, erased
    restricted: bool = False
    niche: str = ""
    platforms: tuple[identity.Platform, ...] = ()
    followers: int = 0  # on all platforms together
    completed_deals: int = 0
    ratings: Stars = Stars()


def keys(event: Any) -> tuple[str, ...]:
    """Return the influencer; accounts of another role have no row."""
    match event:
        case ad.DealCompleted() | ad.RatingsPublished():
            return (event.influencer_id,)
        case _:
            return (event.account_id,) if event.role == "influencer" else ()


def evolve(row: Row, key: str, event: Any, at: datetime) -> Row:
    """Return the influencer after a message about the account, or about deals and ratings, which have other keys."""
    row = replace(row, influencer_id=key)
    match event:
        case identity.AccountRegistered(state=state):
            return replace(row, state=state)
        case identity.AccountRestricted():
            return replace(row, restricted=True)
        case identity.AccountRestrictionLifted():
            return replace(row, restricted=False)
        case identity.ProfileChanged(niche=niche, platforms=platforms):
            followers = sum(each.followers for each in platforms)
            return replace(row, niche=niche, platforms=platforms, followers=followers)
        case identity.PersonErased():
            return replace(row, state="erased", restricted=False, niche="", platforms=(), followers=0)
        case ad.DealCompleted():
            return replace(row, completed_deals=row.completed_deals + 1)
        case ad.RatingsPublished():
            return replace(row, ratings=rated(row.ratings, event, "sponsor"))
        case _:
            return row
