"""For each route somebody who may, a body that is accepted where the state allows it, and whose object is foreign."""

from typing import Any

from tests.security.market import PASSWORD, Market, campaign, terms
from tests.security.table import Row

#: The object that an id in an address stands for, where a test does not say otherwise.
OBJECTS = {
    "campaign_id": "open",
    "application_id": "application",
    "ad_request_id": "sent",
    "deal_id": "funded deal",
    "account_id": "waiting sponsor",
    "influencer_id": "influencer",
}

PLATFORM = {"platform": "instagram", "followers": 1_000, "handle": "mina.brews"}

#: An id of nobody and nothing.
UNKNOWN = "01890000-0000-7000-8000-000000000000"

#: Bodies of the routes that take one.
BODIES: dict[str, dict[str, Any]] = {
    "POST /v1/accounts": {"role": "sponsor", "name": "Kim", "email": "kim@new.example", "password": PASSWORD},
    "PUT /v1/accounts/me/profile": {"name": "Kim", "phone": "", "bio": "", "niche": "food", "platforms": []},
    "POST /v1/accounts/{account_id}/reject": {"reason": "unverifiable"},
    "POST /v1/sessions": {"email": "nobody@new.example", "password": PASSWORD},
    "POST /v1/sessions/refresh": {"refresh_token": "nonsense"},
    "POST /v1/campaigns": campaign(),
    "PATCH /v1/campaigns/{campaign_id}": {"title": "Autumn harvest"},
    "POST /v1/campaigns/{campaign_id}/applications": {"message": "I would", "price_minor": 100_00, "currency": "EUR"},
    "POST /v1/ad-requests": {**terms(), "campaign_id": UNKNOWN, "influencer_id": UNKNOWN},
    "POST /v1/ad-requests/{ad_request_id}/counter": {**terms(), "version": 1},
    "POST /v1/ad-requests/{ad_request_id}/accept": {"version": 1},
    "POST /v1/deals/{deal_id}/submissions": {"post_url": "https://social.example/p/2"},
    "POST /v1/deals/{deal_id}/request-changes": {"note": "More tea, please"},
    "POST /v1/deals/{deal_id}/ratings": {"stars": 4, "review": "Quick and clear"},
    "POST /v1/wallet/top-ups": {"amount_minor": 100_00, "currency": "EUR"},
    "POST /v1/withdrawals": {"amount_minor": 100_00, "currency": "EUR"},
    "POST /v1/campaigns/{campaign_id}/flag": {"reason": "spam"},
    "POST /v1/campaigns/{campaign_id}/unflag": {"reason": "cleared"},
    "POST /v1/accounts/{account_id}/flag": {"reason": "spam"},
    "POST /v1/accounts/{account_id}/unflag": {"reason": "cleared"},
}

STRANGERS = ("other sponsor", "other influencer")

#: Who is told that an object does not exist, though it does: route -> (who, object), each of them refused.
FOREIGN: dict[str, tuple[tuple[str, str], ...]] = {
    "PATCH /v1/campaigns/{campaign_id}": (("other sponsor", "draft"), ("sponsor", "foreign")),
    "POST /v1/campaigns/{campaign_id}/publish": (("other sponsor", "draft"), ("sponsor", "foreign")),
    "POST /v1/campaigns/{campaign_id}/complete": (("other sponsor", "open"), ("sponsor", "foreign")),
    "POST /v1/campaigns/{campaign_id}/cancel": (("other sponsor", "open"), ("other sponsor", "draft")),
    "POST /v1/campaigns/{campaign_id}/applications": (("influencer", "draft"), ("influencer", "private")),
    "POST /v1/applications/{application_id}/withdraw": (("other influencer", "application"),),
    "POST /v1/applications/{application_id}/reject": (("other sponsor", "application"),),
    "GET /v1/applications/{application_id}/message": tuple((who, "application") for who in STRANGERS),
    **{
        f"POST /v1/ad-requests/{{ad_request_id}}/{verb}": tuple(
            (who, object) for who in STRANGERS for object in ("sent", "countered", "completed")
        )
        for verb in ("counter", "accept", "decline", "withdraw")
    },
    "GET /v1/ad-requests/{ad_request_id}/messages": tuple((who, "sent") for who in STRANGERS),
    "POST /v1/deals/{deal_id}/submissions": tuple(
        ("other influencer", object) for object in ("funded deal", "unfunded deal")
    ),
    "POST /v1/deals/{deal_id}/request-changes": (("other sponsor", "funded deal"),),
    "POST /v1/deals/{deal_id}/approve": (("other sponsor", "funded deal"), ("other sponsor", "completed deal")),
    "POST /v1/deals/{deal_id}/ratings": tuple((who, "completed deal") for who in STRANGERS),
    "GET /v1/deals/{deal_id}/notes": tuple((who, "completed deal") for who in STRANGERS),
    "GET /v1/deals/{deal_id}/reviews": tuple((who, "completed deal") for who in STRANGERS),
    "GET /v1/campaigns/{campaign_id}": (
        ("other sponsor", "open"), ("other influencer", "draft"), ("other influencer", "private"),
        ("other influencer", "suspended"),
    ),
    "GET /v1/influencers/{influencer_id}": (("sponsor", "flagged influencer"), ("sponsor", "other sponsor")),
    "GET /v1/ad-requests/{ad_request_id}": tuple((who, "sent") for who in STRANGERS),
    "GET /v1/deals/{deal_id}": tuple((who, "completed deal") for who in STRANGERS),
}  # fmt: skip

#: Routes of admins, to whom everything belongs.
EVERYBODYS = {
    f"POST /v1/{subject}/{verb}"
    for subject, verbs in (
        ("accounts/{account_id}", ("approve", "reject", "flag", "unflag")),
        ("campaigns/{campaign_id}", ("flag", "unflag")),
    )
    for verb in verbs
}


def who_may(row: Row) -> str:
    """Return one of the people who may, '' where everybody may."""
    return row.roles[-1] if row.roles else ""  # sponsors before influencers before admins


def address(row: Row, market: Market) -> str:
    """Return the route's address, of an object that exists."""
    return row.at(market.ids[OBJECTS[row.parameter]]) if row.parameter else row.permission.path


def body(row: Row) -> dict[str, Any] | None:
    """Return the body of a request that is as it should be, None for a read."""
    return None if row.method == "GET" else BODIES.get(row.name, {})
