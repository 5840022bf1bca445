"""A seeded random market: clients that trade through the gateway, and a record of what each of them was told.

The record is kept here and nowhere in the product: whom to believe afterwards is the point. What a client was not told
(a connection that broke, a 503) it asks again with the same Idempotency-Key until it knows, as a real one does.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from deploy.local.client import PASSING, Client, Refused
from deploy.local.journey import PASSWORD
from shared.kernel.ids import new_id

THINKS = 0.1  # seconds, who was refused: a platform that is half away refuses quickly, and that tries nothing
PATIENCE = 300.0  # seconds until a command must have been answered: everything that is killed comes back
CURRENCY = "EUR"
BUDGET_MINOR = 100_000_000_00
WRONG = (400, 404, 422)  # statuses that no request of these clients deserves

#: An event that a command is to have caused: its type, the id of its stream, and what tells it from others there.
Effect = tuple[str, str, str]
Expected = Callable[[dict[str, Any]], Effect]


class Unanswered(Exception):
    """A command has had no answer for PATIENCE seconds."""


@dataclass
class Told:
    """A command and the answer that its client was given."""

    who: "Person"
    path: str
    body: Any
    key: str
    status: int
    answer: Any
    effect: Effect | None  # None: refused, nothing is to have happened


@dataclass
class Person:
    """An account, and what its holder has heard of that can be acted upon."""

    role: str
    email: str
    client: Client
    campaign: str = ""
    offers: list[tuple[str, int]] = field(default_factory=list)  # (ad request, version) that await this person
    deals: list[str] = field(default_factory=list)  # deals that await this person

    @property
    def id(self) -> str:
        return self.client.account_id


def draft() -> dict[str, Any]:
    """Return what a campaign is drafted with."""
    today = datetime.now(UTC).date()
    return {
        "title": "Chaos", "goals": "To be there", "description": "Whatever happens", "niche": "food",
        "budget_minor": BUDGET_MINOR, "currency": CURRENCY, "visibility": "public",
        "starts_on": today.isoformat(), "ends_on": (today + timedelta(days=60)).isoformat(),
    }  # fmt: skip


class Market:
    """People who trade at once; `answered` counts the commands whose outcome is known, `flying` those under way."""

    def __init__(self, gateway: str, admin: tuple[str, str], seed: int) -> None:
        self._gateway, self._admin_credentials = gateway, admin
        self._random = random.Random(seed)
        self.sponsors: list[Person] = []
        self.influencers: list[Person] = []
        self.told: list[Told] = []
        self.sent = self.flying = self.repeats = 0
        self.slowest = 0.0  # seconds until an answer was known
        self._owner: dict[str, Person] = {}  # ad request -> its sponsor
        self._invited: dict[str, Person] = {}  # ad request -> its influencer
        self._deal_of: dict[str, str] = {}  # deal -> its ad request

    @property
    def answered(self) -> int:
        return len(self.told)

    # People

    async def enter(self, session: aiohttp.ClientSession, pairs: int) -> None:
        """Register so many sponsors and influencers; the sponsors are approved."""
        self.nobody = Client(session, self._gateway)
        self.admin = await self.nobody.other().sign_in(*self._admin_credentials)
        for _ in range(pairs):
            for role, people in (("sponsor", self.sponsors), ("influencer", self.influencers)):
                people.append(await self.newcomer(role))

    async def newcomer(self, role: str) -> Person:
        """Return somebody new, signed in; a sponsor is approved."""
        email = await self.register(role)
        person = Person(role, email, await self.nobody.other().sign_in(email, PASSWORD))
        if role == "sponsor":
            await self.admin.command(f"/v1/accounts/{person.id}/approve")
        return person

    async def open(self, session: aiohttp.ClientSession, pairs: int) -> None:
        """Let so many sponsors and influencers enter, each sponsor with a published campaign."""
        await self.enter(session, pairs)
        for sponsor in self.sponsors:
            drafted = await sponsor.client.command("/v1/campaigns", draft())
            sponsor.campaign = drafted["id"]
        for sponsor in self.sponsors:
            await self.until_accepted(sponsor.client, f"/v1/campaigns/{sponsor.campaign}/publish", {})
        for influencer in self.influencers:  # known everywhere, as every sponsor's campaign is
            for sponsor in self.sponsors:
                await self.until_accepted(sponsor.client, "/v1/ad-requests", self._offer(sponsor, influencer))

    async def register(self, role: str) -> str:
        """Register somebody and return the address to sign in with."""
        email = f"{role}-{new_id()}@chaos.example"
        body = {"role": role, "name": f"{role} of the market", "email": email, "password": PASSWORD}
        await self.nobody.command("/v1/accounts", body)
        return email

    async def until_accepted(self, who: Client, path: str, body: Any) -> None:
        """Do what becomes possible when other services have heard; it is no part of the record."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                await who.command(path, body)
                return
            except Refused:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.2)

    # Trading

    async def trade(self, clients: int, commands: int, wanted: Callable[[], bool] = lambda: False) -> None:
        """Let so many clients, half of them sponsors', send commands: so many, or ten times as many while `wanted`."""
        people = [self.sponsors, self.influencers]
        chosen = [people[number % 2][number // 2 % len(self.sponsors)] for number in range(clients)]
        seeds = [self._random.getrandbits(64) for _ in chosen]
        async with asyncio.TaskGroup() as group:
            for person, seed in zip(chosen, seeds, strict=True):
                group.create_task(self._act(person, random.Random(seed), commands, wanted))

    async def _act(self, person: Person, chance: random.Random, commands: int, wanted: Callable[[], bool]) -> None:
        while self.sent < commands or (wanted() and self.sent < 10 * commands):
            self.sent += 1
            if person.role == "sponsor":
                await self._sponsor(person, chance)
            else:
                await self._influencer(person, chance)

    async def _sponsor(self, who: Person, chance: random.Random) -> None:
        roll = chance.random()
        if who.offers and roll < 0.5:
            await self._accept(who, *who.offers.pop(chance.randrange(len(who.offers))))
        elif who.deals and roll < 0.75:
            await self._approve(who, who.deals.pop(chance.randrange(len(who.deals))))
        elif chance.random() < 0.4:
            await self.command(who, *top_up(chance.randrange(1_00, 900_00)))
        else:
            influencer = chance.choice(self.influencers)
            answer = await self.command(
                who, "/v1/ad-requests", self._offer(who, influencer, chance.randrange(1_00, 400_00)),
                lambda answer: ("adrequests.OfferSent.v1", answer["id"], "1"),
            )  # fmt: skip
            if answer is not None:
                influencer.offers.append((answer["id"], 1))

    async def _influencer(self, who: Person, chance: random.Random) -> None:
        roll = chance.random()
        if who.offers and roll < 0.6:
            await self._counter_or_accept(who, chance, *who.offers.pop(chance.randrange(len(who.offers))))
        elif who.deals and roll < 0.85:
            await self._submit(who, who.deals.pop(chance.randrange(len(who.deals))))
        else:
            await self.withdraw(who, chance.randrange(10_00, 300_00))  # ten euros are the least

    def _offer(self, sponsor: Person, influencer: Person, amount: int = 1_00) -> dict[str, Any]:
        return {
            "campaign_id": sponsor.campaign, "influencer_id": influencer.id, "amount_minor": amount,
            "currency": CURRENCY, "deliverable": "One reel", "message": "",
        }  # fmt: skip

    async def _counter_or_accept(self, who: Person, chance: random.Random, ad_request: str, version: int) -> None:
        if chance.random() < 0.5:
            await self._accept(who, ad_request, version)
            return
        terms = {"amount_minor": chance.randrange(1_00, 400_00), "currency": CURRENCY, "deliverable": "Two reels"}
        answer = await self.command(
            who, f"/v1/ad-requests/{ad_request}/counter", {**terms, "version": version},
            lambda answer: ("adrequests.OfferCountered.v1", ad_request, str(version + 1)),
        )  # fmt: skip
        if answer is not None:
            self._owner[ad_request].offers.append((ad_request, version + 1))

    async def _accept(self, who: Person, ad_request: str, version: int) -> None:
        answer = await self.command(
            who, f"/v1/ad-requests/{ad_request}/accept", {"version": version},
            lambda answer: ("adrequests.DealAgreed.v1", answer["deal_id"], str(version)),
        )  # fmt: skip
        if answer is not None:
            self._deal_of[answer["deal_id"]] = ad_request
            self._invited[ad_request].deals.append(answer["deal_id"])

    async def _submit(self, who: Person, deal: str) -> None:
        answer = await self.command(
            who, f"/v1/deals/{deal}/submissions", {"post_url": f"https://social.example/p/{deal}"},
            lambda answer: ("adrequests.WorkSubmitted.v1", deal, ""),
        )  # fmt: skip
        if answer is not None:
            self._owner[self._deal_of[deal]].deals.append(deal)
        else:  # not funded yet
            who.deals.append(deal)

    async def _approve(self, who: Person, deal: str) -> None:
        await self.command(
            who, f"/v1/deals/{deal}/approve", {}, lambda answer: ("adrequests.WorkApproved.v1", deal, "")
        )

    # To the letter

    async def top_up(self, who: Person, amount: int) -> None:
        """Bring money into a sponsor's wallet; insists until it is done."""
        await self.insist(who, *top_up(amount))

    async def withdraw(self, who: Person, amount: int) -> dict[str, Any] | None:
        """Ask for a withdrawal; returns the answer, None where it was refused."""
        return await self.command(
            who, "/v1/withdrawals", {"amount_minor": amount, "currency": CURRENCY},
            lambda answer: ("payments.WithdrawalRequested.v1", answer["id"], str(amount)),
        )  # fmt: skip

    async def earn(self, sponsor: Person, influencer: Person, amount: int) -> int:
        """Do one deal from offer to release, and return what the influencer can withdraw then."""
        await self.top_up(sponsor, amount)
        offered = await self.insist(
            sponsor, "/v1/ad-requests", self._offer(sponsor, influencer, amount),
            lambda answer: ("adrequests.OfferSent.v1", answer["id"], "1"),
        )  # fmt: skip
        agreed = await self.insist(
            influencer, f"/v1/ad-requests/{offered['id']}/accept", {"version": 1},
            lambda answer: ("adrequests.DealAgreed.v1", answer["deal_id"], "1"),
        )  # fmt: skip
        deal = agreed["deal_id"]
        await self.insist(
            influencer, f"/v1/deals/{deal}/submissions", {"post_url": f"https://social.example/p/{deal}"},
            lambda answer: ("adrequests.WorkSubmitted.v1", deal, ""),
        )  # fmt: skip
        await self._approve(sponsor, deal)
        until = time.monotonic() + PATIENCE
        while not (available := (await figures(influencer, "earnings")).get("available_minor", 0)):
            if time.monotonic() > until:
                raise Unanswered(f"the earnings of deal {deal}")
            await asyncio.sleep(0.2)
        return available

    async def insist(self, who: Person, path: str, body: Any, expected: Expected) -> dict[str, Any]:
        """Command, each time with a new key, until it is not refused: others have heard of what it needs by then."""
        until = time.monotonic() + PATIENCE
        while (answer := await self.command(who, path, body, expected)) is None:
            if time.monotonic() > until:
                raise Unanswered(f"{path}: {self.told[-1].answer}")
            await asyncio.sleep(0.2)
        return answer

    # One command

    async def command(self, who: Person, path: str, body: Any, expected: Expected) -> dict[str, Any] | None:
        """Send a command until its outcome is known, and note it; returns the answer, None where it was refused."""
        key = new_id()
        began = time.monotonic()
        self.flying += 1
        try:
            status, answer = await self.ask(who, path, body, key)
        finally:
            self.flying -= 1
        self.slowest = max(self.slowest, time.monotonic() - began)
        done = status < 400
        self.told.append(Told(who, path, body, key, status, answer, expected(answer) if done else None))
        if not done:
            await asyncio.sleep(THINKS)
            return None
        if path == "/v1/ad-requests":
            self._owner[answer["id"]] = who
            self._invited[answer["id"]] = next(one for one in self.influencers if one.id == body["influencer_id"])
        return answer  # type: ignore[no-any-return]

    async def ask(self, who: Person, path: str, body: Any, key: str) -> tuple[int, Any]:
        """Send one request with one key until there is an answer to it. Raises Unanswered."""
        until = time.monotonic() + PATIENCE
        pause = 0.1
        while True:
            try:
                reply = await who.client.send("POST", path, body, headers={"idempotency-key": key})
            except (aiohttp.ClientError, TimeoutError, ValueError):
                pass
            else:
                if reply.status == 401:
                    await self._sign_in_again(who)
                elif reply.status not in PASSING:
                    return reply.status, reply.body
            if time.monotonic() > until:
                raise Unanswered(f"{path} with key {key}")
            self.repeats += 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)

    async def _sign_in_again(self, who: Person) -> None:
        """Get a new token; where that does not work either, the next attempt will try again."""
        with suppress(Refused):
            who.client.access = (await who.client.other().sign_in(who.email, PASSWORD)).access


def top_up(amount: int) -> tuple[str, dict[str, Any], Expected]:
    """Return a top-up as a command: address, body, and the event that is to come of it."""
    return (
        "/v1/wallet/top-ups", {"amount_minor": amount, "currency": CURRENCY},
        lambda answer: ("payments.WalletToppedUp.v1", answer["id"], str(amount)),
    )  # fmt: skip


async def figures(who: Person, name: str) -> dict[str, int]:
    """Return figures of somebody's dashboard: `money` of a sponsor, `earnings` of an influencer."""
    body = (await who.client.read("/v1/dashboards/me")).body
    found: dict[str, int] = body.get(name, {}).get(CURRENCY, {})
    return found


def by_kind(told: list[Told]) -> dict[str, int]:
    """Count what happened by the type of its event, and what was refused by its status."""
    counts: dict[str, int] = defaultdict(int)
    for one in told:
        counts[one.effect[0] if one.effect else f"refused with {one.status}"] += 1
    return dict(sorted(counts.items()))
