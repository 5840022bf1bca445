"""HTTP of adrequests: commands of the two sides, and the private words that only they may read."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.adrequests import queries
from services.adrequests.domain import deal, negotiation, rating
from services.adrequests.domain.deal import URL_LIMIT
from services.adrequests.domain.terms import DELIVERABLE_LIMIT, Terms
from shared.eventstore.work import UNSTAMPED
from shared.kernel.ids import new_id
from shared.web.app import SignedIn, state_of
from shared.web.commands import command
from shared.web.permissions import Permission
from shared.web.values import AmountMinor, Body, Currency, Id, Text

SPONSOR = frozenset({"sponsor"})
INFLUENCER = frozenset({"influencer"})
SIDES = SPONSOR | INFLUENCER

PERMISSIONS = (
    Permission("POST", "/v1/ad-requests", SPONSOR, idempotent=True),
    Permission("POST", "/v1/ad-requests/{ad_request_id}/counter", SIDES, idempotent=True),
    Permission("POST", "/v1/ad-requests/{ad_request_id}/accept", SIDES, idempotent=True),
    Permission("POST", "/v1/ad-requests/{ad_request_id}/decline", SIDES, idempotent=True),
    Permission("POST", "/v1/ad-requests/{ad_request_id}/withdraw", SIDES, idempotent=True),
    Permission("GET", "/v1/ad-requests/{ad_request_id}/messages", SIDES),
    Permission("POST", "/v1/deals/{deal_id}/submissions", INFLUENCER, idempotent=True),
    Permission("POST", "/v1/deals/{deal_id}/request-changes", SPONSOR, idempotent=True),
    Permission("POST", "/v1/deals/{deal_id}/approve", SPONSOR, idempotent=True),
    Permission("POST", "/v1/deals/{deal_id}/ratings", SIDES, idempotent=True),
    Permission("GET", "/v1/deals/{deal_id}/notes", SIDES),
    Permission("GET", "/v1/deals/{deal_id}/reviews", SIDES),
)

router = APIRouter()

Words = Annotated[str, Text(2_000, 0, lines=True)]


class OfferedTerms(Body):
    """What is to be made for how much; `message` goes to the other side alone."""

    amount_minor: AmountMinor
    currency: Currency
    deliverable: Annotated[str, Text(DELIVERABLE_LIMIT, lines=True)]
    message: Words = ""

    def terms(self) -> Terms:
        """Return the part that is no secret."""
        return Terms(self.amount_minor, self.currency, self.deliverable)


class NewAdRequest(OfferedTerms):
    """An ad request is one offer to one influencer in one campaign."""

    campaign_id: Id
    influencer_id: Id


class Counter(OfferedTerms):
    """Other terms, in answer to a version."""

    version: Annotated[int, Field(ge=1, le=1_000)]


class Acceptance(Body):
    """The version that is agreed to."""

    version: Annotated[int, Field(ge=1, le=1_000)]


class Submission(Body):
    """Where the finished work is."""

    post_url: Annotated[str, Text(URL_LIMIT)]


class Changes(Body):
    """What the sponsor wants otherwise."""

    note: Annotated[str, Text(2_000, lines=True)]


class NewRating(Body):
    """One to five stars, and a review that the other side reads once both have rated."""

    stars: Annotated[int, Field(ge=1, le=5)]
    review: Words = ""


@router.post("/v1/ad-requests", status_code=201)
async def send_offer(request: Request, body: NewAdRequest, caller: SignedIn) -> Response:
    """Send an influencer an offer; it is to be answered within 72 hours."""
    sent = negotiation.SendOffer(
        new_id(), caller.account_id, body.campaign_id, body.influencer_id, body.terms(), body.message, UNSTAMPED
    )
    return await command(request, sent, status=201)


@router.post("/v1/ad-requests/{ad_request_id}/counter")
async def counter_offer(request: Request, ad_request_id: Id, body: Counter, caller: SignedIn) -> Response:
    """Answer the latest version with other terms; then it is the other side's turn."""
    countered = negotiation.CounterOffer(
        ad_request_id, caller.account_id, body.version, body.terms(), body.message, UNSTAMPED
    )
    return await command(request, countered)


@router.post("/v1/ad-requests/{ad_request_id}/accept")
async def accept_offer(request: Request, ad_request_id: Id, body: Acceptance, caller: SignedIn) -> Response:
    """Agree to the latest version: the budget is committed and the deal is made in the same step."""
    accepted = negotiation.AcceptOffer(ad_request_id, caller.account_id, body.version, new_id(), UNSTAMPED)
    return await command(request, accepted)


@router.post("/v1/ad-requests/{ad_request_id}/decline")
async def decline_offer(request: Request, ad_request_id: Id, caller: SignedIn) -> Response:
    """Say no, on one's turn."""
    return await command(request, negotiation.DeclineOffer(ad_request_id, caller.account_id, UNSTAMPED))


@router.post("/v1/ad-requests/{ad_request_id}/withdraw")
async def withdraw_offer(request: Request, ad_request_id: Id, caller: SignedIn) -> Response:
    """Take one's latest offer back."""
    return await command(request, negotiation.WithdrawOffer(ad_request_id, caller.account_id, UNSTAMPED))


@router.post("/v1/deals/{deal_id}/submissions")
async def submit_work(request: Request, deal_id: Id, body: Submission, caller: SignedIn) -> Response:
    """Say where the finished work is; the sponsor has 72 hours to review it, and silence approves."""
    return await command(request, deal.SubmitWork(deal_id, caller.account_id, body.post_url, UNSTAMPED))


@router.post("/v1/deals/{deal_id}/request-changes")
async def request_changes(request: Request, deal_id: Id, body: Changes, caller: SignedIn) -> Response:
    """Ask for changes, twice at the most."""
    return await command(request, deal.RequestChanges(deal_id, caller.account_id, body.note))


@router.post("/v1/deals/{deal_id}/approve")
async def approve_work(request: Request, deal_id: Id, caller: SignedIn) -> Response:
    """Approve the work: escrow is released to the influencer."""
    return await command(request, deal.ApproveWork(deal_id, caller.account_id))


@router.post("/v1/deals/{deal_id}/ratings", status_code=201)
async def give_rating(request: Request, deal_id: Id, body: NewRating, caller: SignedIn) -> Response:
    """Rate the other side, once; it is sealed until both have rated or 14 days are over."""
    rated = rating.GiveRating(deal_id, caller.account_id, body.stars, body.review, UNSTAMPED)
    return await command(request, rated, status=201)


@router.get("/v1/ad-requests/{ad_request_id}/messages")
async def read_messages(request: Request, ad_request_id: Id, caller: SignedIn) -> list[queries.OfferMessage]:
    """Return what was written beside each version of the offer, oldest first."""
    await queries.negotiation_of(state_of(request, "store"), ad_request_id, caller.account_id)
    return await queries.messages(state_of(request, "database"), ad_request_id)


@router.get("/v1/deals/{deal_id}/notes")
async def read_notes(request: Request, deal_id: Id, caller: SignedIn) -> list[queries.ChangeNote]:
    """Return what the sponsor wanted otherwise, oldest first."""
    await queries.deal_of(state_of(request, "store"), deal_id, caller.account_id)
    return await queries.notes(state_of(request, "database"), deal_id)


@router.get("/v1/deals/{deal_id}/reviews")
async def read_reviews(request: Request, deal_id: Id, caller: SignedIn) -> list[queries.Review]:
    """Return the reviews, once they are published; before that, one's own."""
    store = state_of(request, "store")
    await queries.deal_of(store, deal_id, caller.account_id)
    return await queries.reviews(store, state_of(request, "database"), deal_id, caller.account_id)
