"""What payments commits together, on a real store: every movement with its transfer, or nothing at all."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from deploy.local.fresh import FreshDatabase
from services.payments import application
from services.payments.application import Policy, handlers
from services.payments.domain import account, escrow, topup, waiting, withdrawal
from services.payments.domain.account import InsufficientFunds
from services.payments.domain.escrow import ApproveRelease, CancelEscrow, RequestEscrow
from services.payments.domain.topup import TopUpWallet
from services.payments.domain.withdrawal import RequestWithdrawal
from services.payments.publishing import publish
from services.payments.tests.samples import DEAL, HOLD, INFLUENCER, LINE, NOW, OF, SPONSOR
from shared.accounts import standing
from shared.accounts.standing import AccountRestricted, NoteStanding, SponsorNotApproved
from shared.kernel.amount import AmountNotPositive
from shared.kernel.ids import new_id
from shared.kernel.rejected import Rejected
from shared.testing.desk import Desk, open_desk

Opened = Callable[[str], FreshDatabase]

MODULES = (account, escrow, standing, topup, waiting, withdrawal)
AT_ONCE = Policy(1_000, timedelta(0))

WALLET = account.wallet(SPONSOR, "EUR")
ESCROW = account.escrow(DEAL, "EUR")
AVAILABLE, RESERVED = account.available(INFLUENCER, "EUR"), account.reserved(INFLUENCER, "EUR")
OUTSIDE = [account.clearing("EUR"), account.payouts("EUR"), account.fees("EUR")]


@asynccontextmanager
async def payments(service_database: Opened, policy: Policy = AT_ONCE) -> AsyncIterator[Desk]:
    registries = [module.EVENTS for module in MODULES]
    database = service_database("payments")
    async with open_desk(database, "payments", registries, publish, handlers(policy), application.DEADLINES) as desk:
        await desk.do(NoteStanding(SPONSOR, "sponsor", "active", None))
        await desk.do(NoteStanding(INFLUENCER, "influencer", "active", None))
        yield desk


@pytest.fixture
async def desk(service_database: Opened) -> AsyncIterator[Desk]:
    async with payments(service_database) as opened:
        yield opened


def top_up(amount: int) -> TopUpWallet:
    return TopUpWallet(new_id(), SPONSOR, amount, "EUR")


def withdraw(amount: int) -> RequestWithdrawal:
    return RequestWithdrawal(new_id(), INFLUENCER, amount, "EUR")


def request(deal_id: str, amount: int) -> RequestEscrow:
    return RequestEscrow(deal_id, replace(OF, deal_id=deal_id, amount_minor=amount))


async def balances(desk: Desk) -> dict[str, int]:
    """Return every account's balance out of the raw postings, and check that each transfer is zero in sum."""
    accounts: Counter[str] = Counter()
    transfers: Counter[str] = Counter()
    sql = "SELECT type, payload::text AS payload FROM events WHERE stream LIKE 'account-%'"
    for row in await desk.store.database.fetch(sql):
        posting = orjson.loads(row["payload"])
        signed = posting["amount_minor"] * (1 if row["type"] == "payments.Credited.v1" else -1)
        accounts[posting["account"]] += signed
        transfers[posting["transfer_id"]] += signed
    assert set(transfers.values()) <= {0}
    assert all(balance >= 0 for name, balance in accounts.items() if account.is_guarded(name))
    return {name: balance for name, balance in accounts.items() if balance}


async def test_money_goes_from_the_wallet_to_the_influencer_and_out(desk: Desk) -> None:
    await desk.do(top_up(80_000))
    assert await balances(desk) == {OUTSIDE[0]: -80_000, WALLET: 80_000}
    await desk.do(RequestEscrow(DEAL, OF))
    assert await balances(desk) == {OUTSIDE[0]: -80_000, WALLET: 30_000, ESCROW: 50_000}
    await desk.do(ApproveRelease(DEAL, NOW, NOW))
    assert await balances(desk) == {OUTSIDE[0]: -80_000, WALLET: 30_000, AVAILABLE: 45_000, OUTSIDE[2]: 5_000}
    await desk.do(withdraw(40_000))
    assert await balances(desk) == {
        OUTSIDE[0]: -80_000, WALLET: 30_000, AVAILABLE: 5_000, OUTSIDE[1]: 40_000, OUTSIDE[2]: 5_000,
    }  # fmt: skip
    assert [name for name, _ in await desk.messages()] == [
        "payments.WalletToppedUp.v1",
        "payments.FundsHeld.v1",
        "payments.FundsReleased.v1",
        "payments.WithdrawalRequested.v1",
        "payments.WithdrawalPaid.v1",
    ]


async def test_commands_of_processes_that_come_twice_change_nothing(desk: Desk) -> None:
    await desk.do(top_up(80_000))
    for command in (RequestEscrow(DEAL, OF), ApproveRelease(DEAL, NOW, NOW), CancelEscrow(DEAL, OF)):
        await desk.do(command)
        before = await desk.events()
        await desk.do(command)
        assert await desk.events() == before


async def test_a_top_up_holds_what_waits_and_now_fits_in_order_and_in_the_same_commit(desk: Desk) -> None:
    await desk.do(top_up(100))
    for deal_id, amount in (("first", 500), ("large", 9_000), ("small", 300), ("tiny", 60)):
        await desk.do(request(deal_id, amount))
    assert (await desk.state(waiting, LINE)).deals == {"first": 500, "large": 9_000, "small": 300}
    await desk.do(top_up(500))  # 540 are there: the first fits, the others do not
    assert (await desk.state(waiting, LINE)).deals == {"large": 9_000, "small": 300}
    await desk.do(top_up(1_000))
    assert (await desk.state(waiting, LINE)).deals == {"large": 9_000}
    assert (await desk.state(account, WALLET)).balance_minor == 1_600 - 60 - 500 - 300
    stamps = await desk.store.database.fetch(
        "SELECT recorded_at FROM events WHERE type IN ('payments.WalletToppedUp.v1', 'payments.FundsHeld.v1') "
        "ORDER BY position"
    )
    times = [row["recorded_at"] for row in stamps]
    assert times[2] == times[3], "the second top-up and the hold that it made fit are one commit"


async def test_a_refused_deal_is_told_what_is_missing_once(desk: Desk) -> None:
    await desk.do(top_up(20_000))
    await desk.do(RequestEscrow(DEAL, OF))
    await desk.do(top_up(10_000))
    refusals = [name for name, _ in await desk.messages() if name == "payments.FundingRefused.v1"]
    assert len(refusals) == 1
    await desk.do(top_up(20_000))
    assert (await desk.state(escrow, DEAL)).state == "held"
    assert (await desk.state(account, WALLET)).balance_minor == 0


async def test_a_cancelled_deal_gives_its_money_to_the_next_that_waits(desk: Desk) -> None:
    await desk.do(top_up(50_000))
    await desk.do(RequestEscrow(DEAL, OF))
    await desk.do(request("next", 40_000))
    await desk.do(CancelEscrow(DEAL, OF))
    assert (await desk.state(escrow, DEAL)).state == "refunded"
    assert (await desk.state(escrow, "next")).state == "held"
    assert (await desk.state(account, WALLET)).balance_minor == 10_000


async def test_a_deal_cancelled_while_it_waits_is_never_held(desk: Desk) -> None:
    await desk.do(RequestEscrow(DEAL, OF))
    await desk.do(CancelEscrow(DEAL, OF))
    await desk.do(top_up(90_000))
    assert (await desk.state(escrow, DEAL)).state == "voided"
    assert await balances(desk) == {OUTSIDE[0]: -90_000, WALLET: 90_000}


async def test_a_deal_that_ended_before_it_was_known_is_never_held(desk: Desk) -> None:
    await desk.do(top_up(90_000))
    await desk.do(CancelEscrow(DEAL, OF))
    await desk.do(RequestEscrow(DEAL, OF))
    assert (await desk.state(account, WALLET)).balance_minor == 90_000


async def test_the_payout_hold_is_waited_for(service_database: Opened) -> None:
    async with payments(service_database, Policy(2_000, HOLD)) as desk:
        await desk.do(top_up(50_000))
        await desk.do(RequestEscrow(DEAL, OF))
        now = await desk.store.database.fetchval("SELECT store_now()")
        await desk.do(ApproveRelease(DEAL, now, now))
        assert await desk.open_deadlines() == ["release_due"]
        await desk.later(HOLD - timedelta(hours=1))
        assert (await desk.state(escrow, DEAL)).state == "releasing"
        await desk.later(timedelta(hours=2))
        assert (await desk.state(escrow, DEAL)).state == "released"
        assert (await desk.state(account, AVAILABLE)).balance_minor == 40_000
        assert await desk.open_deadlines() == []


async def test_who_may_not_move_money_moves_none(desk: Desk) -> None:
    await desk.refused(SponsorNotApproved, TopUpWallet(new_id(), "sponsor-2", 100, "EUR"))
    await desk.refused(SponsorNotApproved, TopUpWallet(new_id(), INFLUENCER, 100, "EUR"))
    await desk.do(NoteStanding(SPONSOR, "sponsor", "active", "fraud"))
    await desk.do(NoteStanding(INFLUENCER, "influencer", "active", "fraud"))
    await desk.refused(AccountRestricted, top_up(100))
    await desk.refused(AccountRestricted, withdraw(5_000))


async def test_n1_nothing_negative_and_nothing_above_what_is_there(desk: Desk) -> None:
    await desk.refused(AmountNotPositive, withdraw(-5_000))
    await desk.refused(AmountNotPositive, top_up(-1))
    await desk.refused(InsufficientFunds, withdraw(5_000))
    await desk.refused(InsufficientFunds, RequestWithdrawal(new_id(), SPONSOR, 5_000, "EUR"))


async def test_fifty_withdrawals_at_once_never_overdraw(desk: Desk) -> None:
    await desk.do(top_up(50_000))
    await desk.do(RequestEscrow(DEAL, OF))
    await desk.do(ApproveRelease(DEAL, NOW, NOW))
    done = await asyncio.gather(*(desk.do(withdraw(2_000)) for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(each, dict) for each in done) == 22  # of 45,000
    assert {type(each) for each in done if not isinstance(each, dict)} == {InsufficientFunds}
    assert (await balances(desk))[AVAILABLE] == 1_000


async def test_top_ups_and_requests_at_once_leave_nothing_waiting_that_fits(desk: Desk) -> None:
    commands = [top_up(1_000) for _ in range(10)] + [request(f"deal-{n}", 1_000) for n in range(10)]
    for each in await asyncio.gather(*(desk.do(command) for command in commands), return_exceptions=True):
        assert not isinstance(each, Rejected), each
        if isinstance(each, BaseException):
            raise each
    assert (await desk.state(waiting, LINE)).deals == {}
    assert (await desk.state(account, WALLET)).balance_minor == 0
    await balances(desk)


def test_a_policy_that_takes_more_than_there_is_is_no_policy() -> None:
    for wrong in ((-1, HOLD), (10_001, HOLD), (0, timedelta(seconds=-1))):
        with pytest.raises(ValueError, match="unusable policy"):
            Policy(*wrong)
