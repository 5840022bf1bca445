"""HTTP of payments: money in, money out. Balances are read from the gateway's dashboards."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.payments.domain import topup, withdrawal
from shared.kernel.ids import new_id
from shared.web.app import SignedIn
from shared.web.commands import command
from shared.web.permissions import Permission
from shared.web.values import AmountMinor, Body, Currency

PERMISSIONS = (
    Permission("POST", "/v1/wallet/top-ups", frozenset({"sponsor"}), idempotent=True),
    Permission("POST", "/v1/withdrawals", frozenset({"influencer"}), idempotent=True),
)

router = APIRouter()


class Amount(Body):
    """So much of one currency, in minor units."""

    amount_minor: AmountMinor
    currency: Currency


@router.post("/v1/wallet/top-ups", status_code=201)
async def top_up(request: Request, body: Amount, caller: SignedIn) -> Response:
    """Bring money into one's wallet; deals that wait for it are funded in the same step."""
    brought = topup.TopUpWallet(new_id(), caller.account_id, body.amount_minor, body.currency)
    return await command(request, brought, status=201)


@router.post("/v1/withdrawals", status_code=201)
async def withdraw(request: Request, body: Amount, caller: SignedIn) -> Response:
    """Take earnings out, at most what is available."""
    asked = withdrawal.RequestWithdrawal(new_id(), caller.account_id, body.amount_minor, body.currency)
    return await command(request, asked, status=201)
