"""HTTP: campaigns of sponsors, applications of influencers."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator
from starlette.responses import Response

from services.campaigns import queries
from services.campaigns.application import Apply
from services.campaigns.domain import application, campaign
from services.campaigns.domain.details import Changes, Details
from shared.eventstore.work import UNSTAMPED
from shared.kernel.ids import new_id
from shared.kernel.money import Money
from shared.web.app import SignedIn, state_of
from shared.web.commands import command
from shared.web.permissions import Permission
from shared.web.problems import FieldError, Problem
from shared.web.refusals import unacceptable
from shared.web.values import AmountMinor, Body, Currency, Id, Text, UtcDate

SPONSOR = frozenset({"sponsor"})
INFLUENCER = frozenset({"influencer"})

PERMISSIONS = (
    Permission("POST", "/v1/campaigns", SPONSOR, idempotent=True),
    Permission("PATCH", "/v1/campaigns/{campaign_id}", SPONSOR, idempotent=True),
    Permission("POST", "/v1/campaigns/{campaign_id}/publish", SPONSOR, idempotent=True),
    Permission("POST", "/v1/campaigns/{campaign_id}/complete", SPONSOR, idempotent=True),
    Permission("POST", "/v1/campaigns/{campaign_id}/cancel", SPONSOR, idempotent=True),
    Permission("POST", "/v1/campaigns/{campaign_id}/applications", INFLUENCER, idempotent=True),
    Permission("POST", "/v1/applications/{application_id}/withdraw", INFLUENCER, idempotent=True),
    Permission("POST", "/v1/applications/{application_id}/reject", SPONSOR, idempotent=True),
    Permission("GET", "/v1/applications/{application_id}/message", SPONSOR | INFLUENCER),
)

router = APIRouter()

Title = Annotated[str, Text(120)]
Goals = Annotated[str, Text(2_000, lines=True)]
Description = Annotated[str, Text(5_000, lines=True)]
Niche = Annotated[str, Text(60)]
Visibility = Literal["public", "private"]


def _told(value: Any) -> Any:
    if value is None:
        raise unacceptable("A value is expected; leave the field out to keep what is there.")
    return value


#: On an optional field of an edit: it may be left out, but not be null.
Told = BeforeValidator(_told)


class Draft(Body):
    title: Title
    goals: Goals
    description: Description
    niche: Niche
    budget_minor: AmountMinor
    currency: Currency
    starts_on: UtcDate
    ends_on: UtcDate
    visibility: Visibility


class Edit(Body):
    title: Annotated[Title | None, Told] = None
    goals: Annotated[Goals | None, Told] = None
    description: Annotated[Description | None, Told] = None
    niche: Annotated[Niche | None, Told] = None
    budget_minor: Annotated[AmountMinor | None, Told] = None
    currency: Annotated[Currency | None, Told] = None
    starts_on: Annotated[UtcDate | None, Told] = None
    ends_on: Annotated[UtcDate | None, Told] = None
    visibility: Annotated[Visibility | None, Told] = None


class ApplicationBody(Body):
    message: Annotated[str, Text(2_000, lines=True)]
    price_minor: AmountMinor | None = None
    currency: Currency | None = None


@router.post("/v1/campaigns", status_code=201)
async def draft(body: Draft, caller: SignedIn, request: Request) -> Response:
    """Begin a campaign: nobody else sees it until it is published."""
    drafted = campaign.DraftCampaign(new_id(), caller.account_id, Details(**body.model_dump()))
    return await command(request, drafted, status=201)


@router.patch("/v1/campaigns/{campaign_id}")
async def edit(campaign_id: Id, body: Edit, caller: SignedIn, request: Request) -> Response:
    """Change a draft in the fields that are named; If-Match takes its revision."""
    changes = Changes(**body.model_dump(exclude_unset=True))
    return await command(request, campaign.EditCampaign(campaign_id, caller.account_id, changes))


@router.post("/v1/campaigns/{campaign_id}/publish")
async def publish(campaign_id: Id, caller: SignedIn, request: Request) -> Response:
    """Make a draft active. Only approved sponsors do."""
    return await command(request, campaign.PublishCampaign(campaign_id, caller.account_id, UNSTAMPED))


@router.post("/v1/campaigns/{campaign_id}/complete")
async def complete(campaign_id: Id, caller: SignedIn, request: Request) -> Response:
    """Close an active campaign."""
    return await command(request, campaign.CompleteCampaign(campaign_id, caller.account_id))


@router.post("/v1/campaigns/{campaign_id}/cancel")
async def cancel(campaign_id: Id, caller: SignedIn, request: Request) -> Response:
    """Give a campaign up."""
    return await command(request, campaign.CancelCampaign(campaign_id, caller.account_id))


@router.post("/v1/campaigns/{campaign_id}/applications", status_code=201)
async def apply(campaign_id: Id, body: ApplicationBody, caller: SignedIn, request: Request) -> Response:
    """Apply to an open campaign, once, with a private message and, if one likes, a price."""
    price = _price(body.price_minor, body.currency)
    return await command(request, Apply(new_id(), campaign_id, caller.account_id, price, body.message), status=201)


@router.post("/v1/applications/{application_id}/withdraw")
async def withdraw(application_id: Id, caller: SignedIn, request: Request) -> Response:
    """Take one's own application back."""
    return await command(request, application.WithdrawApplication(application_id, caller.account_id))


@router.post("/v1/applications/{application_id}/reject")
async def reject(application_id: Id, caller: SignedIn, request: Request) -> Response:
    """Say no to an application to one's own campaign."""
    return await command(request, application.RejectApplication(application_id, caller.account_id))


@router.get("/v1/applications/{application_id}/message")
async def message(application_id: Id, caller: SignedIn, request: Request) -> JSONResponse:
    """Return what was written with an application: for its two parties alone."""
    text = await queries.message(state_of(request, "database"), application_id, caller.account_id)
    if text is None:
        raise application.ApplicationUnknown
    return JSONResponse({"application_id": application_id, "message": text}, headers={"cache-control": "no-store"})


def _price(price_minor: int | None, currency: str | None) -> Money | None:
    if price_minor is not None and currency is not None:
        return Money(price_minor, currency)
    if price_minor is None and currency is None:
        return None
    missing = "price_minor" if price_minor is None else "currency"
    raise Problem("invalid-value", errors=[FieldError(missing, "price_minor and currency come together.")])
