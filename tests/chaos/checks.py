"""What must be true after a run, whatever was killed: each check returns what it found, or raises Broken."""

import asyncio
import time
from collections import Counter
from typing import Any

import asyncpg

from deploy.local.plan import PRODUCERS
from deploy.local.running import Running
from deploy.local.verbs import operate
from shared.messaging.topics import topic_name
from tests.chaos.market import WRONG, Market, figures

PATIENCE = 180.0  # seconds until everybody has heard of everything

#: Every invariant that a run can find broken; docs/chaos.md says what each compares.
INVARIANTS = frozenset({
    "recovery", "documented-answers", "acknowledged-happened", "happened-once", "order-per-stream", "money",
    "answers-equal", "chain", "kafka-equals-stores", "ledger", "read-models", "restricted", "parked-order", "live",
})  # fmt: skip

#: What a service's `verify` stops at -> the invariant that is broken.
VERIFIED = {
    "BrokenChain": "chain",
    "Unequal": "kafka-equals-stores",
    "LedgerWrong": "ledger",
    "Differs": "read-models",
    "Stuck": "read-models",
}

#: service -> its events that commands of the market cause, as (type, id of the stream, what tells them apart).
HAPPENED = {
    "payments": """
SELECT type, substr(stream, strpos(stream, '-') + 1) AS id, payload ->> 'amount_minor' AS detail
  FROM events WHERE type IN ('payments.WalletToppedUp.v1', 'payments.WithdrawalRequested.v1')""",
    "adrequests": """
SELECT type, substr(stream, strpos(stream, '-') + 1) AS id,
       CASE WHEN type LIKE '%.Offer%' OR type LIKE '%.DealAgreed.%' THEN payload ->> 'version' ELSE '' END AS detail
  FROM events WHERE type IN ('adrequests.OfferSent.v1', 'adrequests.OfferCountered.v1', 'adrequests.DealAgreed.v1',
                             'adrequests.WorkSubmitted.v1', 'adrequests.WorkApproved.v1')""",
}
ORDER = """
SELECT stream FROM (SELECT stream, version, row_number() OVER (PARTITION BY stream ORDER BY position) AS nth
                      FROM events) numbered WHERE version <> nth LIMIT 1"""

#: What somebody did while their account was restricted, as the service itself knew by then.
RESTRICTED = """
SELECT e.position, e.type, e.metadata ->> 'actor' AS actor
  FROM events e CROSS JOIN LATERAL (
       SELECT payload FROM events s WHERE s.stream = 'standing-' || (e.metadata ->> 'actor') AND s.position < e.position
        ORDER BY s.position DESC LIMIT 1) known
 WHERE known.payload ->> 'restriction' IS NOT NULL LIMIT 1"""
GUARDED = ("campaigns", "adrequests", "payments")  # the services that know how accounts stand

LAST = "SELECT partition, max(number) AS number FROM events WHERE number IS NOT NULL GROUP BY partition"


class Broken(Exception):
    """An invariant does not hold; its name comes first."""

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant


async def acknowledged_once(market: Market, state: Running, before: Counter[tuple[str, str, str]]) -> str:
    """Acknowledged = happened once, refused = did not happen; `before` is what had happened before the market."""
    happened = await effects(state)
    happened.subtract(before)
    told = Counter(one.effect for one in market.told if one.effect is not None)
    lost = [effect for effect, count in told.items() if happened[effect] < count]
    extra = [effect for effect, count in happened.items() if count > told[effect]]
    if lost:
        raise Broken("acknowledged-happened", f"{len(lost)} acknowledged and not there, such as {lost[:3]}")
    if extra:
        raise Broken("happened-once", f"{len(extra)} happened and nobody was told so, such as {extra[:3]}")
    return f"{told.total()} acknowledged commands happened once, {market.answered - told.total()} refused ones did not"


async def effects(state: Running) -> Counter[tuple[str, str, str]]:
    """Return what has happened according to the stores."""
    found: Counter[tuple[str, str, str]] = Counter()
    for service, sql in HAPPENED.items():
        for row in await ask(state, service, sql):
            found[row["type"], row["id"], row["detail"]] += 1
    return found


async def in_order(state: Running) -> str:
    """The events of each stream stand in the order of their versions, without a gap."""
    for service in state.database_urls:
        if service != "gateway" and (wrong := await ask(state, service, ORDER)):
            raise Broken("order-per-stream", f"{wrong[0]['stream']} of {service}")
    return "every stream is in order"


async def answers_equal(market: Market) -> str:
    """The same key gets the same answer again, from whoever answers now."""
    limit = asyncio.Semaphore(16)

    async def again(number: int) -> None:
        one = market.told[number]
        async with limit:
            status, answer = await market.ask(one.who, one.path, one.body, one.key)
        if (status, _lasting(answer)) != (one.status, _lasting(one.answer)):
            raise Broken("answers-equal", f"{one.path} key {one.key}: {one.status} {one.answer}, now {status} {answer}")

    await asyncio.gather(*(again(number) for number in range(market.answered)))
    return f"{market.answered} keys sent again got the answers that they had got"


def _lasting(answer: Any) -> Any:
    """Return an answer without what names the one request that it answers."""
    return {name: value for name, value in answer.items() if name != "instance"} if isinstance(answer, dict) else answer


def nothing_unexpected(market: Market) -> str:
    """No request was called malformed or unknown, and none failed inside."""
    wrong = [one for one in market.told if one.status in WRONG or one.status >= 500]
    if wrong:
        first = wrong[0]
        raise Broken("documented-answers", f"{len(wrong)}, first {first.path}: {first.status} {first.answer}")
    return "no answer was an error of ours"


async def money_adds_up(market: Market, patience: float = PATIENCE) -> str:
    """Every dashboard comes to what its owner was told, and what is in escrow is the same from both sides."""
    topped = Counter[str]()
    withdrawn = Counter[str]()
    for one in market.told:
        if one.effect is not None and one.path == "/v1/wallet/top-ups":
            topped[one.who.id] += one.body["amount_minor"]
        if one.effect is not None and one.path == "/v1/withdrawals":
            withdrawn[one.who.id] += one.body["amount_minor"]
    until = time.monotonic() + patience
    while True:
        wrong = await _figures_wrong(market, topped, withdrawn)
        if not wrong:
            return f"{sum(topped.values())} minor units paid in, {sum(withdrawn.values())} withdrawn, all accounted for"
        if time.monotonic() > until:
            raise Broken("money", wrong)
        await asyncio.sleep(1)


async def _figures_wrong(market: Market, topped: Counter[str], withdrawn: Counter[str]) -> str:
    escrow = pending = 0
    for sponsor in market.sponsors:
        money = await figures(sponsor, "money")
        came_to = money.get("wallet_minor", 0) + money.get("escrow_minor", 0) + money.get("spent_minor", 0)
        escrow += money.get("escrow_minor", 0)
        if came_to != topped[sponsor.id]:
            return f"sponsor {sponsor.id} paid in {topped[sponsor.id]}, the dashboard comes to {came_to}: {money}"
    for influencer in market.influencers:
        money = await figures(influencer, "earnings")
        pending += money.get("pending_minor", 0)
        if money.get("paid_out_minor", 0) != withdrawn[influencer.id]:
            return f"influencer {influencer.id} withdrew {withdrawn[influencer.id]}, the dashboard says {money}"
    return "" if escrow == pending else f"escrow of sponsors {escrow}, pending for influencers {pending}"


async def nobody_restricted_acted(state: Running) -> str:
    """Nothing was committed for somebody of whom the same store knew by then that they may not act."""
    for service in GUARDED:
        if wrong := await ask(state, service, RESTRICTED):
            raise Broken("restricted", f"{wrong[0]['actor']} did {wrong[0]['type']} in {service} all the same")
    return "nobody restricted got anything through"


async def taken(state: Running) -> None:
    """Wait until the read models have taken all that the stores have published. Raises Broken."""
    until = time.monotonic() + PATIENCE
    wanted = {}
    for producer in PRODUCERS:
        for row in await ask(state, producer, LAST):
            wanted[topic_name(state.topic_prefix, producer), row["partition"]] = row["number"]
    while True:
        rows = await ask(state, "gateway", "SELECT * FROM checkpoints WHERE consumer = 'projections'")
        reached = {(row["topic"], row["partition"]): row["number"] for row in rows}
        behind = [place for place, number in wanted.items() if reached.get(place, 0) < number]
        if not behind:
            return
        if time.monotonic() > until:
            raise Broken("recovery", f"the read models have not taken all of {behind[0]} after {PATIENCE:.0f} s")
        await asyncio.sleep(0.1)


async def verified(state: Running, *services: str) -> str:
    """Chains are whole, Kafka equals the stores, debits equal credits, read models equal their rebuild."""
    asked = services or tuple(state.settings)
    told = await asyncio.gather(*(operate(service, state.settings[service], "verify") for service in asked))
    for service, (status, said) in zip(asked, told, strict=True):
        if status != 0:
            found = next((name for problem, name in VERIFIED.items() if f": {problem}: " in said), "recovery")
            raise Broken(found, f"{service}: {said}")
    return "chains, Kafka, ledger and read models are verified"


async def ask(state: Running, service: str, sql: str, *values: object) -> list[asyncpg.Record]:
    """Return what a statement finds in a service's database, as its serving role."""
    connection = await asyncpg.connect(state.database_urls[service])
    try:
        return await connection.fetch(sql, *values)
    finally:
        await connection.close()
