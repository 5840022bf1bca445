"""The thin journey through the gateway, step by step: `make demo` prints it, tests watch it, the seed begins with it.

After each step the next reader is asked, holding the step's Consistency-Token or having heard nothing of it, until the
reader sees it: a step that nobody sees within its patience has failed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from deploy.local.client import Client, Refused, Reply
from shared.kernel.ids import new_id

Seen = Callable[[], Awaitable[bool]]

PASSWORD = "a long enough passphrase"  # of people who exist for one journey


class NotSeen(Exception):
    """A step was acknowledged, but the next reader did not see it in time."""


@dataclass
class Step:
    """What one step did: what it returned, how long it took, and when the next reader saw it (milliseconds)."""

    name: str
    returned: str
    took_ms: float
    seen_ms: float | None


@dataclass
class Journey:
    """One run of the journey; `tell` is called after each step. Patience in seconds."""

    gateway: str
    admin_email: str
    admin_password: str
    tell: Callable[[Step], None] = lambda step: None
    patience: float = 2.0
    steps: list[Step] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Go all the way; raises Refused or NotSeen where a step does not do what it should."""
        async with self.open():
            await self.go()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Have the three people in front of the gateway, not signed in yet."""
        connector = aiohttp.TCPConnector(limit=64)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30)) as session:
            nobody = Client(session, self.gateway)
            self.admin, self.sponsor, self.influencer = nobody.other(), nobody.other(), nobody.other()
            yield

    async def go(self) -> None:
        """Take all steps, while open."""
        await self._arrive()
        await self._publish()
        await self._apply()
        await self._negotiate()
        await self._work()
        await self._earn()
        await self._rate()
        await self._moderate()

    # What a step is

    async def step(self, name: str, act: Awaitable[Any], *seen: Seen) -> Any:
        """Do one step, then wait until every reader sees it."""
        began = time.perf_counter()
        reply = await act
        took = time.perf_counter() - began
        seen_after = None
        if seen:
            began = time.perf_counter()
            for reader in seen:
                await self._until(name, reader, began)
            seen_after = (time.perf_counter() - began) * 1000
        returned = f"{reply.status} {reply.body}" if isinstance(reply, Reply) else str(reply)
        self.steps.append(Step(name, returned, took * 1000, seen_after))
        self.tell(self.steps[-1])
        return reply

    async def _until(self, name: str, reader: Seen, began: float) -> None:
        while not await reader():
            if time.perf_counter() - began > self.patience:
                raise NotSeen(f"{name}: not seen after {self.patience:g} s")
            await asyncio.sleep(0.01)

    async def refused(self, name: str, act: Awaitable[Any], status: int, code: str) -> None:
        """Do what is to be refused with this status and code."""
        try:
            reply = await act
        except Refused as refusal:
            if (refusal.status, refusal.code) != (status, code):
                raise
            self.steps.append(Step(name, f"{status} {code}", 0.0, None))
            self.tell(self.steps[-1])
        else:
            raise AssertionError(f"{name}: accepted with {reply.status}, {status} {code} was expected")

    # What readers see

    def figure(self, who: Client, path: str, value: Any) -> Seen:
        """See a figure (dotted path) of one's own dashboard."""

        async def reader() -> bool:
            return bool(_at((await who.read("/v1/dashboards/me")).body, path) == value)

        return reader

    def field_of(self, who: Client, address: str, path: str, value: Any) -> Seen:
        """See a field of an object."""

        async def reader() -> bool:
            try:
                return bool(_at((await who.read(address)).body, path) == value)
            except Refused as refusal:
                if refusal.status != 404:
                    raise
                return value is None

        return reader

    def listed(self, who: Client, address: str, key: str, id: str, *, there: bool = True) -> Seen:
        """See that an object is, or is not, in a list; all pages are read."""

        async def reader() -> bool:
            return (id in [item[key] for item in await everything(who, address)]) is there

        return reader

    # The steps

    async def _arrive(self) -> None:
        await self.step("the admin signs in", self.admin.sign_in(self.admin_email, self.admin_password))
        email = f"sponsor-{new_id()}@journey.example"
        registered = await self.step(
            "a sponsor registers",
            self.sponsor.command("/v1/accounts", _person("sponsor", "Aurora Teas", email)),
        )
        self.ids["sponsor"] = registered["id"]
        await self.step(
            "the sponsor signs in and waits for approval",
            self.sponsor.sign_in(email, PASSWORD),
            self.figure(self.sponsor, "account.state", "pending_approval"),
            self.listed(self.admin, "/v1/accounts?state=pending_approval&role=sponsor", "account_id", registered["id"]),
        )
        early = await self.step("the sponsor drafts a campaign", self.draft("A first cup", 200_00))
        await self.refused(
            "not yet approved, the sponsor cannot publish",
            self.sponsor.command(f"/v1/campaigns/{early['id']}/publish"), 403, "sponsor-not-approved",
        )  # fmt: skip
        await self.step(
            "the admin approves the sponsor",
            self.admin.command(f"/v1/accounts/{registered['id']}/approve"),
            self.figure(self.sponsor, "account.state", "active"),
        )
        self.ids["other campaign"] = early["id"]
        await self.step(
            "the sponsor publishes it",
            self.sponsor.command(f"/v1/campaigns/{early['id']}/publish"),
            self.figure(self.sponsor, "campaigns.active", 1),
        )

    async def draft(self, title: str, budget_minor: int) -> Reply:
        """Draft a public campaign of the sponsor's that begins today."""
        today = datetime.now(UTC).date()
        return await self.sponsor.command("/v1/campaigns", {
            "title": title, "goals": "Reach tea drinkers under thirty", "description": "A week of morning rituals",
            "niche": "food", "budget_minor": budget_minor, "currency": "EUR", "visibility": "public",
            "starts_on": today.isoformat(), "ends_on": (today + timedelta(days=60)).isoformat(),
        })  # fmt: skip

    async def _publish(self) -> None:
        drafted = await self.step(
            "the sponsor creates a campaign",
            self.draft("Spring harvest", 1_000_00),
            self.figure(self.sponsor, "campaigns.draft", 1),
        )
        self.ids["campaign"] = drafted["id"]
        await self.step(
            "the sponsor publishes it",
            self.sponsor.command(f"/v1/campaigns/{drafted['id']}/publish"),
            self.figure(self.sponsor, "campaigns.active", 2),
            self.figure(self.sponsor, "money.EUR.budget_minor", 1_200_00),
        )

    async def _apply(self) -> None:
        email = f"influencer-{new_id()}@journey.example"
        registered = await self.step(
            "an influencer registers",
            self.influencer.command("/v1/accounts", _person("influencer", "Mina Park", email)),
        )
        self.ids["influencer"] = registered["id"]
        await self.step(
            "the influencer signs in",
            self.influencer.sign_in(email, PASSWORD),
            self.figure(self.influencer, "account.state", "active"),
        )
        profile = {
            "name": "Mina Park", "bio": "Slow mornings, loose leaves", "niche": "food",
            "platforms": [{"platform": "instagram", "followers": 48_000, "handle": "mina.brews"}],
        }  # fmt: skip
        await self.step(
            "the influencer fills the profile",
            self.influencer.command("/v1/accounts/me/profile", profile, method="PUT"),
            self.field_of(self.sponsor, f"/v1/influencers/{registered['id']}", "name", "Mina Park"),
            self.field_of(self.sponsor, f"/v1/influencers/{registered['id']}", "niche", "food"),
        )
        campaign = self.ids["campaign"]
        await self.step(
            "the influencer browses",
            self.influencer.read("/v1/campaigns?niche=food&limit=1"),
            self.listed(self.influencer, "/v1/campaigns?niche=food", "campaign_id", campaign),
        )
        applied = await self.step(
            "the influencer applies with a message and a price",
            self.influencer.command(
                f"/v1/campaigns/{campaign}/applications",
                {"message": "I would love to", "price_minor": 600_00, "currency": "EUR"},
            ),
            self.listed(self.sponsor, f"/v1/applications?campaign_id={campaign}", "influencer_id", registered["id"]),
            self.figure(self.influencer, "applications.submitted", 1),
        )
        self.ids["application"] = applied["id"]

    async def _negotiate(self) -> None:
        await self.step(
            "the sponsor tops the wallet up, with too little",
            self.sponsor.command("/v1/wallet/top-ups", {"amount_minor": 300_00, "currency": "EUR"}),
            self.figure(self.sponsor, "money.EUR.wallet_minor", 300_00),
        )
        offer = {"amount_minor": 500_00, "currency": "EUR", "deliverable": "One reel, thirty seconds"}
        sent = await self.step(
            "the sponsor sends that influencer an ad request",
            self.sponsor.command("/v1/ad-requests", {
                **offer, "campaign_id": self.ids["campaign"], "influencer_id": self.ids["influencer"],
                "message": "We like your mornings",
            }),
            self.figure(self.influencer, "ad_requests.awaiting_influencer", 1),
        )  # fmt: skip
        address = f"/v1/ad-requests/{sent['id']}"
        self.ids["ad request"] = sent["id"]
        await self.refused(
            "it is not the sponsor's turn",
            self.sponsor.command(f"{address}/accept", {"version": 1}), 409, "not-your-turn",
        )  # fmt: skip
        await self.step(
            "the influencer counters",
            self.influencer.command(f"{address}/counter", {**offer, "amount_minor": 550_00, "version": 1}),
            self.field_of(self.sponsor, address, "amount_minor", 550_00),
            self.figure(self.sponsor, "ad_requests.awaiting_sponsor", 1),
        )
        accepted = await self.step(
            "the sponsor accepts: the budget is committed in the same step",
            self.sponsor.command(f"{address}/accept", {"version": 2}),
            self.figure(self.sponsor, "money.EUR.committed_minor", 550_00),
        )
        self.ids["deal"] = accepted["deal_id"]
        deal = f"/v1/deals/{accepted['deal_id']}"
        await self.step(
            "the wallet holds too little: the deal stays in funding and says so",
            self.sponsor.read("/v1/dashboards/me"),
            self.field_of(self.sponsor, deal, "short", True),
            self.field_of(self.sponsor, deal, "state", "funding"),
            self.field_of(self.sponsor, deal, "escrow.missing_minor", 250_00),
        )
        await self.step(
            "the sponsor tops up more: escrow holds the amount, the deal is funded",
            self.sponsor.command("/v1/wallet/top-ups", {"amount_minor": 400_00, "currency": "EUR"}),
            self.field_of(self.sponsor, deal, "state", "funded"),
            self.figure(self.sponsor, "money.EUR.wallet_minor", 150_00),
            self.figure(self.sponsor, "money.EUR.escrow_minor", 550_00),
            self.figure(self.influencer, "earnings.EUR.pending_minor", 550_00),
        )

    async def _work(self) -> None:
        deal = f"/v1/deals/{self.ids['deal']}"
        await self.step(
            "the influencer submits the work",
            self.influencer.command(f"{deal}/submissions", {"post_url": "https://social.example/p/spring-harvest"}),
            self.field_of(self.sponsor, deal, "state", "submitted"),
        )
        await self.step(
            "the sponsor approves: escrow is released, the fee taken",
            self.sponsor.command(f"{deal}/approve"),
            self.field_of(self.influencer, deal, "state", "completed"),
            self.figure(self.influencer, "earnings.EUR.available_minor", 495_00),
            self.figure(self.sponsor, "money.EUR.escrow_minor", 0),
            self.figure(self.sponsor, "money.EUR.spent_minor", 550_00),
        )

    async def _earn(self) -> None:
        await self.refused(
            "nobody withdraws more than is available",
            self.influencer.command("/v1/withdrawals", {"amount_minor": 495_01, "currency": "EUR"}),
            409, "insufficient-funds",
        )  # fmt: skip
        await self.step(
            "the influencer withdraws",
            self.influencer.command("/v1/withdrawals", {"amount_minor": 400_00, "currency": "EUR"}),
            self.figure(self.influencer, "earnings.EUR.paid_out_minor", 400_00),
            self.figure(self.influencer, "earnings.EUR.available_minor", 95_00),
        )

    async def _rate(self) -> None:
        ratings = f"/v1/deals/{self.ids['deal']}/ratings"
        deal = f"/v1/deals/{self.ids['deal']}"
        await self.step(
            "the sponsor rates, sealed",
            self.sponsor.command(ratings, {"stars": 5, "review": "A joy"}),
            self.field_of(self.influencer, deal, "ratings.given_by_sponsor", True),
            self.field_of(self.influencer, deal, "ratings.stars_by_sponsor", None),
        )
        await self.step(
            "the influencer rates: both are published",
            self.influencer.command(ratings, {"stars": 4, "review": "Quick and clear"}),
            self.figure(self.influencer, "ratings.average", 5.0),
            self.figure(self.sponsor, "ratings.average", 4.0),
        )

    async def _moderate(self) -> None:
        campaign = self.ids["other campaign"]
        before = await self.influencer.read(f"/v1/campaigns/{campaign}")
        await self.step(
            "the admin flags another campaign: it leaves every list",
            self.admin.command(f"/v1/campaigns/{campaign}/flag", {"reason": "undisclosed_ad"}),
            self.listed(self.influencer, "/v1/campaigns?niche=food", "campaign_id", campaign, there=False),
            self.field_of(self.influencer, f"/v1/campaigns/{campaign}", "title", None),
            self.figure(self.sponsor, "campaigns.suspended", 1),
        )
        await self.step(
            "the admin unflags it: it is back as it was",
            self.admin.command(f"/v1/campaigns/{campaign}/unflag"),
            self.listed(self.influencer, "/v1/campaigns?niche=food", "campaign_id", campaign),
            self.figure(self.sponsor, "campaigns.suspended", 0),
        )
        after = await self.influencer.read(f"/v1/campaigns/{campaign}")
        if after.body != before.body:
            raise NotSeen(f"the campaign came back otherwise than it was: {before.body} became {after.body}")


async def everything(who: Client, address: str) -> list[dict[str, Any]]:
    """Return the items of all pages of a list."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        joiner = "&" if "?" in address else "?"
        page = await who.read(address + (f"{joiner}cursor={cursor}" if cursor else ""))
        found += page["items"]
        cursor = page["next_cursor"]
    return found


def _person(role: str, name: str, email: str) -> dict[str, str]:
    return {"role": role, "name": name, "email": email, "password": PASSWORD}


def _at(body: Any, path: str) -> Any:
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body
