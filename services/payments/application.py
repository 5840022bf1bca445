"""The index of payments: every command and who handles it.

Persons command TopUpWallet (sponsors) and RequestWithdrawal (influencers). Processes command RequestEscrow,
ApproveRelease, CancelEscrow (settlement) and NoteStanding (accounts_followed). ReleaseFunds comes of a deadline;
the others of a unit of work here. Each event that moves money is committed with the transfer that makes it true.
"""

from datetime import timedelta

from services.payments.domain import account, escrow, topup, transfer, waiting, withdrawal
from shared.accounts import standing
from shared.eventstore.handlers import DeadlineHandlers, Handlers, Reply, led_by, on
from shared.eventstore.work import Work
from shared.kernel.record import record, replace


@record
class Policy:
    """What the operator decides; both stand for a deal as they are when it is agreed, or approved."""

    fee_basis_points: int = 1_000  # of the amount held, 0 to 10,000
    payout_hold: timedelta = timedelta(hours=72)  # from approval to release

    def __post_init__(self) -> None:
        """Refuse what would take more than there is, or release before the approval."""
        if not 0 <= self.fee_basis_points <= 10_000 or self.payout_hold < timedelta(0):
            raise ValueError(f"unusable policy: {self}")


# Money


async def move(work: Work, event: transfer.Moving) -> None:
    """Post the transfer of an event; the accounts of the platform itself are not read for it."""
    for posting in transfer.of(event).postings:
        if account.is_guarded(posting.account):
            await work.decide(account, posting.account, posting)
        else:
            work.post(account, posting.account, posting)


async def hold(work: Work, deal: escrow.Deal) -> None:
    """Move the deal's amount into escrow, or let the deal wait where the wallet holds too little."""
    wallet = await work.load(account, account.wallet(deal.sponsor_id, deal.currency))
    line = waiting.line_of(deal.sponsor_id, deal.currency)
    for event in await work.decide(escrow, deal.deal_id, escrow.HoldFunds(deal.deal_id, wallet.balance_minor)):
        if isinstance(event, escrow.FundsHeld):
            await move(work, event)
            await work.decide(waiting, line, waiting.LeaveLine(line, deal.deal_id))
        else:
            await work.decide(waiting, line, waiting.JoinLine(line, deal.deal_id, deal.amount_minor))


async def serve_waiting(work: Work, sponsor_id: str, currency: str) -> None:
    """Hold what waited and now fits, in order, in the commit that brings the money."""
    wallet = await work.load(account, account.wallet(sponsor_id, currency))
    line = await work.load(waiting, waiting.line_of(sponsor_id, currency))
    for deal_id in waiting.fitting(line, wallet.balance_minor):
        await hold(work, (await work.load(escrow, deal_id)).of)


# Persons


async def top_up_wallet(work: Work, command: topup.TopUpWallet) -> Reply:
    """Bring money into an approved sponsor's wallet, and to the deals that wait for it."""
    standing.must_be_approved(await work.load(standing, command.by))
    [topped_up] = await work.decide(topup, command.topup_id, command)
    await move(work, topped_up)
    await serve_waiting(work, command.by, command.currency)
    return {"id": command.topup_id, "revision": work.revision(topup, command.topup_id)}


async def request_withdrawal(work: Work, command: withdrawal.RequestWithdrawal) -> Reply:
    """Reserve earnings and pay them out; refused above what is available."""
    standing.must_be_able_to_act(await work.load(standing, command.by))
    id = command.withdrawal_id
    [requested] = await work.decide(withdrawal, id, command)
    await move(work, requested)
    [paid] = await work.decide(withdrawal, id, withdrawal.PayWithdrawal(id, withdrawal.SANDBOX))
    await move(work, paid)
    return {"id": id, "revision": work.revision(withdrawal, id)}


# Processes


async def approve_release(work: Work, command: escrow.ApproveRelease) -> Reply:
    """Release what is held, or set the time for it."""
    for event in await work.decide(escrow, command.deal_id, command):
        if isinstance(event, escrow.FundsReleased):
            await move(work, event)
        else:
            work.set_deadline(f"release:{command.deal_id}", event.release_at, "release_due", command.deal_id)
    return {}


async def cancel_escrow(work: Work, command: escrow.CancelEscrow) -> Reply:
    """Give back what is held, for others that wait to have; or ask no more."""
    for event in await work.decide(escrow, command.deal_id, command):
        deal = event.of
        line = waiting.line_of(deal.sponsor_id, deal.currency)
        await work.decide(waiting, line, waiting.LeaveLine(line, deal.deal_id))
        if isinstance(event, escrow.FundsRefunded):
            await move(work, event)
            await serve_waiting(work, deal.sponsor_id, deal.currency)
    return {}


# Deadlines


async def release_funds(work: Work, deal_id: str) -> None:
    """The payout hold is over."""
    for released in await work.decide(escrow, deal_id, escrow.ReleaseFunds(deal_id, work.now)):
        await move(work, released)


def handlers(policy: Policy) -> Handlers:
    """Return the index of commands under a policy."""

    async def request_escrow(work: Work, command: escrow.RequestEscrow) -> Reply:
        """Open the escrow of an agreed deal at today's fee, and ask the wallet."""
        told = replace(command, fee_basis_points=policy.fee_basis_points)
        for requested in await work.decide(escrow, command.deal_id, told):
            await hold(work, requested.of)
        return {}

    async def approve(work: Work, command: escrow.ApproveRelease) -> Reply:
        """Release after today's payout hold."""
        return await approve_release(work, replace(command, payout_hold=policy.payout_hold, at=work.now))

    return {
        topup.TopUpWallet: led_by(standing, "by", top_up_wallet),
        withdrawal.RequestWithdrawal: led_by(standing, "by", request_withdrawal),
        escrow.RequestEscrow: led_by(escrow, "deal_id", request_escrow),
        escrow.ApproveRelease: led_by(escrow, "deal_id", approve),
        escrow.CancelEscrow: led_by(escrow, "deal_id", cancel_escrow),
        standing.NoteStanding: on(standing, "account_id"),
    }


DEADLINES: DeadlineHandlers = {"release_due": release_funds}
