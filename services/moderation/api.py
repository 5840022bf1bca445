"""HTTP: flags, put on and taken away by admins, each with a reason code."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import WithJsonSchema
from starlette.responses import Response

from services.moderation.domain import flag
from shared.kernel.ids import new_id
from shared.web.app import SignedIn
from shared.web.commands import command
from shared.web.permissions import Permission
from shared.web.values import Body, Id, Text

ADMIN = frozenset({"admin"})

PERMISSIONS = (
    Permission("POST", "/v1/campaigns/{campaign_id}/flag", ADMIN, idempotent=True),
    Permission("POST", "/v1/campaigns/{campaign_id}/unflag", ADMIN, idempotent=True),
    Permission("POST", "/v1/accounts/{account_id}/flag", ADMIN, idempotent=True),
    Permission("POST", "/v1/accounts/{account_id}/unflag", ADMIN, idempotent=True),
)

router = APIRouter()


class Flag(Body):
    reason: Annotated[str, Text(40), WithJsonSchema({"type": "string", "enum": list(flag.FLAG_REASONS)})]


class Unflag(Body):
    reason: Annotated[str, Text(40), WithJsonSchema({"type": "string", "enum": list(flag.UNFLAG_REASONS)})] = "cleared"


CLEARED = Unflag()


@router.post("/v1/campaigns/{campaign_id}/flag")
async def flag_campaign(campaign_id: Id, body: Flag, caller: SignedIn, request: Request) -> Response:
    """Flag a campaign: it leaves every list and is frozen as it is."""
    flagged = flag.FlagCampaign(new_id(), campaign_id, body.reason, caller.account_id)
    return await command(request, flagged, reason=body.reason)


@router.post("/v1/campaigns/{campaign_id}/unflag")
async def unflag_campaign(campaign_id: Id, caller: SignedIn, request: Request, body: Unflag = CLEARED) -> Response:
    """Take the flag away: the campaign is back exactly as it was."""
    return await command(request, flag.UnflagCampaign(campaign_id, body.reason, caller.account_id), reason=body.reason)


@router.post("/v1/accounts/{account_id}/flag")
async def flag_account(account_id: Id, body: Flag, caller: SignedIn, request: Request) -> Response:
    """Flag an account: it may sign in and read, not act."""
    flagged = flag.FlagAccount(new_id(), account_id, body.reason, caller.account_id)
    return await command(request, flagged, reason=body.reason)


@router.post("/v1/accounts/{account_id}/unflag")
async def unflag_account(account_id: Id, caller: SignedIn, request: Request, body: Unflag = CLEARED) -> Response:
    """Take the flag away: the account may act again."""
    return await command(request, flag.UnflagAccount(account_id, body.reason, caller.account_id), reason=body.reason)
