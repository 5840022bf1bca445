"""A small market in every state that a refusal needs, made through the gateway."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.kernel.ids import new_id
from shared.kernel.record import record
from tests.security.asking import Answer, Asking
from tests.security.stores import Stores
from tests.security.tokens import Mint

PASSWORD = "a long enough passphrase"

PEOPLE = {
    "sponsor": "sponsor",
    "other sponsor": "sponsor",
    "waiting sponsor": "sponsor",
    "flagged sponsor": "sponsor",
    "influencer": "influencer",
    "other influencer": "influencer",
    "flagged influencer": "influencer",
}


@record
class Person:
    account_id: str
    role: str
    token: str
    email: str = ""


def today() -> date:
    """The day on which the campaigns are open."""
    return datetime.now(UTC).date()


def campaign(**other: Any) -> dict[str, Any]:
    """Return the body of a draft that is open from today."""
    return {
        "title": "Spring harvest", "goals": "Reach tea drinkers", "description": "A week of morning rituals",
        "niche": "food", "budget_minor": 1_000_00, "currency": "EUR", "visibility": "public",
        "starts_on": (today() - timedelta(days=1)).isoformat(), "ends_on": (today() + timedelta(days=60)).isoformat(),
    } | other  # fmt: skip


def terms(amount_minor: int = 50_00, currency: str = "EUR", **other: Any) -> dict[str, Any]:
    """Return the terms of an offer."""
    return {"amount_minor": amount_minor, "currency": currency, "deliverable": "One reel"} | other


@dataclass
class Market:
    """People by what they are here, and objects by what has become of them."""

    gateway: Asking
    stores: Stores
    mint: Mint
    people: dict[str, Person] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    documented: dict[str, int] = field(default_factory=dict)  # code -> status

    def of_role(self, role: str) -> Person:
        """Return somebody of that role who may act."""
        return self.people[role]

    async def ask(self, who: str, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """Ask as one of the people ('' for nobody); `{open}` in the path is the id of what is called so."""
        token = self.people[who].token if who else ""
        return await self.gateway.ask(method, self.address(path), body, token=token, **more)

    def address(self, path: str) -> str:
        """Return the path with the ids in it."""
        for name, id in self.ids.items():
            path = path.replace(f"{{{name}}}", id)
        return path

    async def do(self, who: str, path: str, body: Any = None, *, method: str = "POST", name: str = "") -> Answer:
        """Do what is to succeed; its id is then known as `name`."""
        reply = await self.ask(who, method, path, body)
        assert reply.status < 300, f"{who} {method} {path}: {reply.status} {reply.body}"
        if name:
            self.ids[name] = reply.body["id"]
        return reply

    async def send(self, name: str, amount_minor: int, to: str = "influencer", **other: Any) -> None:
        """Have the sponsor send an offer in the open campaign, or another one."""
        body = {
            **terms(amount_minor), "campaign_id": self.ids["open"],
            "influencer_id": self.people[to].account_id, **other,
        }  # fmt: skip
        await self.do("sponsor", "/v1/ad-requests", body, name=name)

    async def accept(self, name: str, who: str = "influencer") -> None:
        """Accept the first version; the deal is then known as `<name> deal`."""
        reply = await self.do(who, f"/v1/ad-requests/{{{name}}}/accept", {"version": 1})
        self.ids[f"{name} deal"] = reply.body["deal_id"]

    async def together(self, *acts: Awaitable[Any]) -> None:
        """Do several things, then wait until everybody has heard of them."""
        await asyncio.gather(*acts)
        await self.stores.quiet()

    # How it comes about

    async def build(self, admin_email: str, admin_password: str) -> None:
        """Bring everybody and everything into the state that it is named after."""
        await self._arrive(admin_email, admin_password)
        await self._draft()
        await self._negotiate()
        await self._work()
        await self._moderate()
        listed = await self.gateway.ask("GET", "/v1/problems")
        self.documented = {item["code"]: item["status"] for item in listed.body["items"]}

    async def register(self, name: str, role: str) -> None:
        """Let somebody come; they act with a token that outlives a slow run."""
        email = f"{new_id()}@security.example"
        body = {"role": role, "name": "Kim Test", "email": email, "password": PASSWORD}
        reply = await self.gateway.ask("POST", "/v1/accounts", body)
        assert reply.status == 201, f"{name}: {reply.status} {reply.body}"
        id = reply.body["id"]
        self.people[name] = Person(id, role, self.mint.token(id, role), email)
        self.ids[name] = id

    async def _arrive(self, admin_email: str, admin_password: str) -> None:
        signed_in = await self.gateway.ask("POST", "/v1/sessions", {"email": admin_email, "password": admin_password})
        assert signed_in.status == 201, signed_in.body
        id = signed_in.body["account_id"]
        self.people["admin"] = Person(id, "admin", self.mint.token(id, "admin"), admin_email)
        self.ids["admin"] = id
        await self.together(*(self.register(name, role) for name, role in PEOPLE.items()))
        approved = ("sponsor", "other sponsor", "flagged sponsor")
        await self.together(*(self.do("admin", f"/v1/accounts/{{{name}}}/approve") for name in approved))

    async def _draft(self) -> None:
        days = {name: (today() + timedelta(days=n)).isoformat() for name, n in (("past", -1), ("future", 9))}
        drafts = {
            "draft": ("sponsor", campaign()),
            "open": ("sponsor", campaign()),
            "dollars": ("sponsor", campaign(currency="USD")),
            "private": ("sponsor", campaign(visibility="private")),
            "closed": ("sponsor", campaign()),
            "suspended": ("sponsor", campaign()),
            "over": ("sponsor", campaign(ends_on=days["past"])),
            "not begun": ("sponsor", campaign(starts_on=days["future"])),
            "foreign": ("other sponsor", campaign()),
            "waiting": ("waiting sponsor", campaign()),
            "of the flagged": ("flagged sponsor", campaign()),
            "next of the flagged": ("flagged sponsor", campaign()),
        }
        await self.together(
            *(self.do(who, "/v1/campaigns", body, name=name) for name, (who, body) in drafts.items()),
            self.do("sponsor", "/v1/wallet/top-ups", {"amount_minor": 5_000_00, "currency": "EUR"}),
        )
        published = ("open", "dollars", "private", "closed", "suspended", "not begun", "foreign", "of the flagged")
        await self.together(*(self.do(drafts[name][0], f"/v1/campaigns/{{{name}}}/publish") for name in published))

    async def _negotiate(self) -> None:
        words = {"message": "I would love to"}
        apply = "/v1/campaigns/{open}/applications"
        await self.together(
            self.do("sponsor", "/v1/campaigns/{closed}/complete"),
            self.do("influencer", apply, words, name="application"),
            self.do("other influencer", apply, words, name="withdrawn application"),
            self.do("flagged influencer", apply, words, name="application of the flagged"),
            self.send("sent", 50_00),
            self.send("countered", 60_00),
            self.send("declined", 60_00),
            self.send("completed", 500_00),
            self.send("funded", 200_00),
            self.send("unfunded", 90_00, currency="USD", campaign_id=self.ids["dollars"]),
            self.send("frozen", 60_00, campaign_id=self.ids["suspended"]),
            self.send("sent to the flagged", 60_00, to="flagged influencer"),
            self.send("countered by the flagged", 60_00, to="flagged influencer"),
            self.send("contested", 70_00),
        )
        counter = {**terms(900_00), "version": 1}
        await self.together(
            self.do("other influencer", "/v1/applications/{withdrawn application}/withdraw"),
            self.do("influencer", "/v1/ad-requests/{countered}/counter", counter),
            self.do("influencer", "/v1/ad-requests/{declined}/decline"),
            self.do("flagged influencer", "/v1/ad-requests/{countered by the flagged}/counter", counter),
            *(self.accept(name) for name in ("completed", "funded", "unfunded")),
        )

    async def _work(self) -> None:
        deal = "/v1/deals/{completed deal}"
        await self.together(self.do("influencer", f"{deal}/submissions", {"post_url": "https://social.example/p/1"}))
        await self.together(self.do("sponsor", f"{deal}/approve"))
        await self.together(self.do("sponsor", f"{deal}/ratings", {"stars": 5}))

    async def _moderate(self) -> None:
        flagged = ("accounts/{flagged sponsor}", "accounts/{flagged influencer}", "campaigns/{suspended}")
        await self.together(*(self.do("admin", f"/v1/{subject}/flag", {"reason": "spam"}) for subject in flagged))
