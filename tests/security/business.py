"""What the business refuses, by hand: each row says what it is, who asks for what, and the documented answer."""

from typing import Any

from shared.kernel.money import MAX_AMOUNT_MINOR
from shared.kernel.record import record
from tests.security.market import PASSWORD, campaign, terms
from tests.security.samples import BODIES, PLATFORM, UNKNOWN


@record
class Case:
    """`{open}` in a path or a body is the id of what is called so in the market."""

    what: str
    who: str
    does: str  # method and path
    body: Any
    status: int
    code: str
    field: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


VERSION_1, VERSION_2 = {"version": 1}, {"version": 2}
COUNTER = {**terms(), "version": 1}
WORDS = {"message": "I would love to"}
SPAM = {"reason": "spam"}
PROFILE = BODIES["PUT /v1/accounts/me/profile"]
POST_URL = BODIES["POST /v1/deals/{deal_id}/submissions"]
ACCOUNT = BODIES["POST /v1/accounts"]
EUROS = {"amount_minor": 100_00, "currency": "EUR"}


def offer(campaign_id: str = "{open}", influencer_id: str = "{influencer}", **other: Any) -> dict[str, Any]:
    return {**terms(**other), "campaign_id": campaign_id, "influencer_id": influencer_id}


TURNS = (
    Case("the side that has offered accepts", "sponsor", "POST /v1/ad-requests/{sent}/accept",
         VERSION_1, 409, "not-your-turn"),
    Case("it counters itself", "sponsor", "POST /v1/ad-requests/{sent}/counter", COUNTER, 409, "not-your-turn"),
    Case("it declines", "sponsor", "POST /v1/ad-requests/{sent}/decline", {}, 409, "not-your-turn"),
    Case("the other side withdraws it", "influencer", "POST /v1/ad-requests/{sent}/withdraw",
         {}, 409, "not-your-offer"),
    Case("who has countered accepts", "influencer", "POST /v1/ad-requests/{countered}/accept",
         VERSION_2, 409, "not-your-turn"),
    Case("who has countered declines", "influencer", "POST /v1/ad-requests/{countered}/decline",
         {}, 409, "not-your-turn"),
    Case("the sponsor withdraws a counter-offer", "sponsor", "POST /v1/ad-requests/{countered}/withdraw",
         {}, 409, "not-your-offer"),
    Case("a version that is no more", "sponsor", "POST /v1/ad-requests/{countered}/accept",
         VERSION_1, 409, "offer-version-outdated"),
    Case("a version that is not yet", "influencer", "POST /v1/ad-requests/{sent}/accept",
         VERSION_2, 409, "offer-version-outdated"),
    Case("an answer to a version that is no more", "sponsor", "POST /v1/ad-requests/{countered}/counter",
         COUNTER, 409, "offer-version-outdated"),
    Case("version nought", "influencer", "POST /v1/ad-requests/{sent}/accept",
         {"version": 0}, 422, "invalid-value", "version"),
    Case("the influencer approves the own work", "influencer", "POST /v1/deals/{funded deal}/approve",
         {}, 403, "role-not-allowed"),
    Case("the sponsor submits the work", "sponsor", "POST /v1/deals/{funded deal}/submissions",
         POST_URL, 403, "role-not-allowed"),
)  # fmt: skip

TWICE = (
    Case("accepting twice", "influencer", "POST /v1/ad-requests/{completed}/accept",
         VERSION_1, 409, "ad-request-closed"),
    Case("declining twice", "influencer", "POST /v1/ad-requests/{declined}/decline", {}, 409, "ad-request-closed"),
    Case("accepting after declining", "influencer", "POST /v1/ad-requests/{declined}/accept",
         VERSION_1, 409, "ad-request-closed"),
    Case("withdrawing what was declined", "sponsor", "POST /v1/ad-requests/{declined}/withdraw",
         {}, 409, "ad-request-closed"),
    Case("applying twice", "influencer", "POST /v1/campaigns/{open}/applications", WORDS, 409, "applied-before"),
    Case("applying again after withdrawing", "other influencer", "POST /v1/campaigns/{open}/applications",
         WORDS, 409, "applied-before"),
    Case("withdrawing it twice", "other influencer", "POST /v1/applications/{withdrawn application}/withdraw",
         {}, 409, "application-answered"),
    Case("rejecting a withdrawn application", "sponsor", "POST /v1/applications/{withdrawn application}/reject",
         {}, 409, "application-answered"),
    Case("rating twice", "sponsor", "POST /v1/deals/{completed deal}/ratings", {"stars": 1}, 409, "rated-before"),
    Case("approving the work twice", "sponsor", "POST /v1/deals/{completed deal}/approve",
         {}, 409, "nothing-to-review"),
    Case("changes after the approval", "sponsor", "POST /v1/deals/{completed deal}/request-changes",
         {"note": "More"}, 409, "nothing-to-review"),
    Case("submitting after the end", "influencer", "POST /v1/deals/{completed deal}/submissions",
         POST_URL, 409, "work-not-expected"),
    Case("flagging a campaign twice", "admin", "POST /v1/campaigns/{suspended}/flag", SPAM, 409, "already-flagged"),
    Case("flagging an account twice", "admin", "POST /v1/accounts/{flagged sponsor}/flag",
         SPAM, 409, "already-flagged"),
    Case("unflagging an unflagged campaign", "admin", "POST /v1/campaigns/{open}/unflag", {}, 409, "not-flagged"),
    Case("unflagging an unflagged account", "admin", "POST /v1/accounts/{sponsor}/unflag", {}, 409, "not-flagged"),
    Case("approving an account twice", "admin", "POST /v1/accounts/{sponsor}/approve", {}, 409, "not-pending-approval"),
    Case("rejecting an approved account", "admin", "POST /v1/accounts/{sponsor}/reject",
         {"reason": "unverifiable"}, 409, "not-pending-approval"),
    Case("approving an influencer", "admin", "POST /v1/accounts/{influencer}/approve", {}, 409, "not-pending-approval"),
    Case("publishing twice", "sponsor", "POST /v1/campaigns/{open}/publish", {}, 409, "campaign-not-draft"),
    Case("editing what is published", "sponsor", "PATCH /v1/campaigns/{open}",
         {"title": "New"}, 409, "campaign-not-draft"),
    Case("completing a draft", "sponsor", "POST /v1/campaigns/{draft}/complete", {}, 409, "campaign-not-active"),
    Case("completing twice", "sponsor", "POST /v1/campaigns/{closed}/complete", {}, 409, "campaign-not-active"),
    Case("cancelling what is complete", "sponsor", "POST /v1/campaigns/{closed}/cancel", {}, 409, "campaign-ended"),
)  # fmt: skip

STATES = (
    Case("publishing behind the end", "sponsor", "POST /v1/campaigns/{over}/publish", {}, 409, "campaign-over"),
    Case("applying before the beginning", "influencer", "POST /v1/campaigns/{not begun}/applications",
         WORDS, 409, "campaign-not-within-dates"),
    Case("applying to what is complete", "influencer", "POST /v1/campaigns/{closed}/applications",
         WORDS, 409, "campaign-not-active"),
    Case("applying to what is suspended", "influencer", "POST /v1/campaigns/{suspended}/applications",
         WORDS, 409, "campaign-suspended"),
    Case("completing what is suspended", "sponsor", "POST /v1/campaigns/{suspended}/complete",
         {}, 409, "campaign-suspended"),
    Case("an offer in a suspended campaign", "sponsor", "POST /v1/ad-requests",
         offer("{suspended}"), 409, "campaign-suspended"),
    Case("accepting in a suspended campaign", "influencer", "POST /v1/ad-requests/{frozen}/accept",
         VERSION_1, 409, "campaign-suspended"),
    Case("an offer in a complete campaign", "sponsor", "POST /v1/ad-requests",
         offer("{closed}"), 409, "campaign-not-active"),
    Case("an offer in a draft", "sponsor", "POST /v1/ad-requests", offer("{draft}"), 404, "campaign-unknown"),
    Case("an offer in somebody else's campaign", "sponsor", "POST /v1/ad-requests",
         offer("{foreign}"), 404, "campaign-unknown"),
    Case("an offer in no campaign", "sponsor", "POST /v1/ad-requests", offer(UNKNOWN), 404, "campaign-unknown"),
    Case("an offer in what is no id", "sponsor", "POST /v1/ad-requests",
         offer("open"), 422, "invalid-value", "campaign_id"),
    Case("an offer to nobody", "sponsor", "POST /v1/ad-requests",
         offer(influencer_id=UNKNOWN), 422, "influencer-unknown", "influencer_id"),
    Case("an offer to a sponsor", "sponsor", "POST /v1/ad-requests",
         offer(influencer_id="{other sponsor}"), 422, "influencer-unknown", "influencer_id"),
    Case("an offer to somebody flagged", "sponsor", "POST /v1/ad-requests",
         offer(influencer_id="{flagged influencer}"), 409, "other-side-unavailable"),
    Case("accepting from somebody flagged", "sponsor", "POST /v1/ad-requests/{countered by the flagged}/accept",
         VERSION_2, 409, "other-side-unavailable"),
    Case("work before the money", "influencer", "POST /v1/deals/{unfunded deal}/submissions",
         POST_URL, 409, "deal-not-funded"),
    Case("approving no work", "sponsor", "POST /v1/deals/{funded deal}/approve", {}, 409, "nothing-to-review"),
    Case("changes of no work", "sponsor", "POST /v1/deals/{funded deal}/request-changes",
         {"note": "More"}, 409, "nothing-to-review"),
    Case("rating before the end", "sponsor", "POST /v1/deals/{funded deal}/ratings",
         {"stars": 5}, 409, "deal-not-completed"),
)  # fmt: skip

STANDINGS = (
    *(
        Case(f"{what}, not yet approved", "waiting sponsor", does, body, 403, "sponsor-not-approved")
        for what, does, body in (
            ("publishing", "POST /v1/campaigns/{waiting}/publish", {}),
            ("topping up", "POST /v1/wallet/top-ups", EUROS),
            ("sending an offer", "POST /v1/ad-requests", offer("{waiting}")),
        )
    ),
    *(
        Case(f"{what}, being flagged", "flagged sponsor", does, body, 403, "account-restricted")
        for what, does, body in (
            ("drafting", "POST /v1/campaigns", campaign()),
            ("editing", "PATCH /v1/campaigns/{next of the flagged}", {"title": "New"}),
            ("publishing", "POST /v1/campaigns/{next of the flagged}/publish", {}),
            ("completing", "POST /v1/campaigns/{of the flagged}/complete", {}),
            ("cancelling", "POST /v1/campaigns/{of the flagged}/cancel", {}),
            ("topping up", "POST /v1/wallet/top-ups", EUROS),
            ("sending an offer", "POST /v1/ad-requests", offer("{of the flagged}")),
            ("changing the profile", "PUT /v1/accounts/me/profile", PROFILE),
        )
    ),
    *(
        Case(f"{what}, being flagged", "flagged influencer", does, body, 403, "account-restricted")
        for what, does, body in (
            ("applying", "POST /v1/campaigns/{foreign}/applications", WORDS),
            ("withdrawing an application", "POST /v1/applications/{application of the flagged}/withdraw", {}),
            ("accepting", "POST /v1/ad-requests/{sent to the flagged}/accept", VERSION_1),
            ("countering", "POST /v1/ad-requests/{sent to the flagged}/counter", COUNTER),
            ("declining", "POST /v1/ad-requests/{sent to the flagged}/decline", {}),
            ("withdrawing an offer", "POST /v1/ad-requests/{countered by the flagged}/withdraw", {}),
            ("withdrawing money", "POST /v1/withdrawals", EUROS),
            ("changing the profile", "PUT /v1/accounts/me/profile", PROFILE),
        )
    ),
    Case("an admin is flagged", "admin", "POST /v1/accounts/{admin}/flag", SPAM, 403, "admins-are-not-flagged"),
    Case("an admin leaves", "admin", "POST /v1/accounts/me/erasure", {}, 403, "admins-stay"),
)

#: Everything that takes an amount: who, what, the body's other fields, and what the field is called.
AMOUNTS = (
    ("sponsor", "POST /v1/campaigns", campaign(), "budget_minor"),
    ("sponsor", "PATCH /v1/campaigns/{draft}", {"currency": "EUR"}, "budget_minor"),
    ("influencer", "POST /v1/campaigns/{foreign}/applications", {**WORDS, "currency": "EUR"}, "price_minor"),
    ("sponsor", "POST /v1/ad-requests", offer(), "amount_minor"),
    ("influencer", "POST /v1/ad-requests/{sent}/counter", COUNTER, "amount_minor"),
    ("sponsor", "POST /v1/wallet/top-ups", EUROS, "amount_minor"),
    ("influencer", "POST /v1/withdrawals", EUROS, "amount_minor"),
)
NO_AMOUNTS = {
    "negative": -1,
    "nothing": 0,
    "too large": MAX_AMOUNT_MINOR + 1,
    "beyond 64 bits": 2**63,
    "beyond every number": 10**400,
    "a fraction": 100.5,
    "a whole fraction": 100.0,
    "text": "10000",
    "true": True,
    "a list": [100],
}
NO_CURRENCIES = {"unknown": "XXX", "in small letters": "eur", "a space behind": "EUR ", "nothing": "", "a number": 978}

MONEY = (
    *(
        Case(f"{field} {what} in {does}", who, does, {**body, field: value}, 422, "invalid-value", field)
        for who, does, body, field in AMOUNTS
        for what, value in NO_AMOUNTS.items()
    ),
    *(
        Case(f"currency {what} in {does}", who, does,
             {**body, field: 100_00, "currency": value}, 422, "invalid-value", "currency")
        for who, does, body, field in AMOUNTS
        for what, value in NO_CURRENCIES.items()
    ),
    *(
        Case(f"NaN as {field} in {does}", who, does, {**body, field: float("nan")}, 400, "malformed-json")
        for who, does, body, field in AMOUNTS
    ),
    Case("an offer in another currency", "sponsor", "POST /v1/ad-requests",
         offer(currency="USD"), 422, "currency-not-the-campaigns", "currency"),
    Case("an answer in another currency", "influencer", "POST /v1/ad-requests/{sent}/counter",
         {**COUNTER, "currency": "USD"}, 422, "currency-not-the-campaigns", "currency"),
    Case("a price in another currency", "influencer", "POST /v1/campaigns/{foreign}/applications",
         {**WORDS, "price_minor": 1_00, "currency": "USD"}, 422, "currency-not-the-campaigns", "currency"),
    Case("a price without a currency", "influencer", "POST /v1/campaigns/{foreign}/applications",
         {**WORDS, "price_minor": 1_00}, 422, "invalid-value", "currency"),
    Case("a currency without a price", "influencer", "POST /v1/campaigns/{foreign}/applications",
         {**WORDS, "currency": "EUR"}, 422, "invalid-value", "price_minor"),
    Case("an offer over the budget", "sponsor", "POST /v1/ad-requests", offer(amount_minor=300_01), 409, "over-budget"),
    Case("accepting over the budget", "sponsor", "POST /v1/ad-requests/{countered}/accept",
         VERSION_2, 409, "over-budget"),
    Case("countering over the budget", "sponsor", "POST /v1/ad-requests/{countered}/counter",
         {**terms(300_01), "version": 2}, 409, "over-budget"),
    Case("withdrawing more than there is", "influencer", "POST /v1/withdrawals",
         {"amount_minor": 450_01, "currency": "EUR"}, 409, "insufficient-funds"),
    Case("withdrawing what was never earned", "other influencer", "POST /v1/withdrawals",
         EUROS, 409, "insufficient-funds"),
    Case("withdrawing in a currency that was never earned", "influencer", "POST /v1/withdrawals",
         {"amount_minor": 100_00, "currency": "USD"}, 409, "insufficient-funds"),
    Case("withdrawing too little", "influencer", "POST /v1/withdrawals",
         {"amount_minor": 9_99, "currency": "EUR"}, 422, "below-minimum", "amount_minor"),
)  # fmt: skip

VALUES = (
    Case("it ends before it starts", "sponsor", "POST /v1/campaigns",
         campaign(ends_on="2026-01-01", starts_on="2026-01-02"), 422, "ends-before-it-starts", "ends_on"),
    Case("an edit ends it before it starts", "sponsor", "PATCH /v1/campaigns/{draft}",
         {"ends_on": "2001-01-01"}, 422, "ends-before-it-starts", "ends_on"),
    Case("a day that is none", "sponsor", "POST /v1/campaigns",
         campaign(starts_on="2026-02-30"), 422, "invalid-value", "starts_on"),
    Case("a moment as a day", "sponsor", "POST /v1/campaigns",
         campaign(ends_on="2026-02-03T00:00:00Z"), 422, "invalid-value", "ends_on"),
    Case("an edit to nothing", "sponsor", "PATCH /v1/campaigns/{draft}",
         {"title": None}, 422, "invalid-value", "title"),
    Case("a title of spaces", "sponsor", "POST /v1/campaigns", campaign(title="   "), 422, "invalid-value", "title"),
    Case("a title too long", "sponsor", "POST /v1/campaigns", campaign(title="a" * 121), 422, "invalid-value", "title"),
    Case("a NUL in a title", "sponsor", "POST /v1/campaigns", campaign(title="a\0b"), 422, "invalid-value", "title"),
    Case("another visibility", "sponsor", "POST /v1/campaigns",
         campaign(visibility="secret"), 422, "invalid-value", "visibility"),
    Case("a niche that cannot be read", "sponsor", "POST /v1/campaigns",
         campaign(niche="a\tb"), 422, "invalid-value", "niche"),
    Case("no deliverable", "sponsor", "POST /v1/ad-requests",
         {**offer(), "deliverable": " "}, 422, "invalid-value", "deliverable"),
    Case("a post that is not on the web", "influencer", "POST /v1/deals/{funded deal}/submissions",
         {"post_url": "javascript:alert(1)"}, 422, "post-url-unusable", "post_url"),
    Case("a post without TLS", "influencer", "POST /v1/deals/{funded deal}/submissions",
         {"post_url": "http://social.example/p"}, 422, "post-url-unusable", "post_url"),
    Case("a post with a password", "influencer", "POST /v1/deals/{funded deal}/submissions",
         {"post_url": "https://a:b@social.example/"}, 422, "post-url-unusable", "post_url"),
    Case("no star", "influencer", "POST /v1/deals/{completed deal}/ratings",
         {"stars": 0}, 422, "invalid-value", "stars"),
    Case("six stars", "influencer", "POST /v1/deals/{completed deal}/ratings",
         {"stars": 6}, 422, "invalid-value", "stars"),
    Case("a reason to flag that is none", "admin", "POST /v1/campaigns/{open}/flag",
         {"reason": "because"}, 422, "reason-unknown", "reason"),
    Case("a reason to unflag that is none", "admin", "POST /v1/campaigns/{suspended}/unflag",
         {"reason": "because"}, 422, "reason-unknown", "reason"),
    Case("a reason to turn away that is none", "admin", "POST /v1/accounts/{waiting sponsor}/reject",
         {"reason": "because"}, 422, "reason-unknown", "reason"),
    Case("registering as an admin", "", "POST /v1/accounts",
         {**ACCOUNT, "role": "admin"}, 422, "role-not-for-registration", "role"),
    Case("registering as what there is not", "", "POST /v1/accounts",
         {**ACCOUNT, "role": "owner"}, 422, "role-not-for-registration", "role"),
    Case("registering with no address", "", "POST /v1/accounts",
         {**ACCOUNT, "email": "kim"}, 422, "invalid-value", "email"),
    Case("registering with a short password", "", "POST /v1/accounts",
         {**ACCOUNT, "password": "short"}, 422, "invalid-value", "password"),
    Case("registering with a taken address", "", "POST /v1/accounts",
         {**ACCOUNT, "email": "{influencer's address}"}, 409, "email-taken"),
    Case("a platform that is none", "influencer", "PUT /v1/accounts/me/profile",
         {**PROFILE, "platforms": [{**PLATFORM, "platform": "icq"}]}, 422, "platform-unknown", "platforms"),
    Case("a platform twice", "influencer", "PUT /v1/accounts/me/profile",
         {**PROFILE, "platforms": [PLATFORM, PLATFORM]}, 422, "platform-twice", "platforms"),
    Case("a sponsor with followers", "sponsor", "PUT /v1/accounts/me/profile",
         {**PROFILE, "platforms": [PLATFORM]}, 422, "platforms-not-for-role", "platforms"),
    Case("fewer followers than none", "influencer", "PUT /v1/accounts/me/profile",
         {**PROFILE, "platforms": [{**PLATFORM, "followers": -1}]}, 422, "invalid-value", "platforms.0.followers"),
    Case("a wrong password", "", "POST /v1/sessions",
         {"email": "{influencer's address}", "password": "wrong"}, 401, "credentials-wrong"),
    Case("an address that nobody has", "", "POST /v1/sessions",
         {"email": "nobody@new.example", "password": PASSWORD}, 401, "credentials-wrong"),
    Case("a refresh token that is none", "", "POST /v1/sessions/refresh",
         {"refresh_token": "nonsense"}, 401, "refresh-token-invalid"),
    Case("an old revision", "sponsor", "PATCH /v1/campaigns/{draft}",
         {"title": "New"}, 409, "revision-moved", None, (("if-match", '"9"'),)),
    Case("a revision that is none", "sponsor", "PATCH /v1/campaigns/{draft}",
         {"title": "New"}, 422, "invalid-value", "If-Match", (("if-match", "9"),)),
    Case("a token of having seen that is none", "sponsor", "PATCH /v1/campaigns/{draft}",
         {"title": "New"}, 422, "invalid-value", "Consistency-Token", (("consistency-token", "nonsense"),)),
)  # fmt: skip

CASES = (*TURNS, *TWICE, *STATES, *STANDINGS, *MONEY, *VALUES)
