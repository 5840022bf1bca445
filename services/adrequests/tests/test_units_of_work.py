"""What adrequests commits together, on a real store: from the offer to the ratings."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from deploy.local.fresh import FreshDatabase
from services.adrequests.application import DEADLINES, HANDLERS
from services.adrequests.domain import budget, campaign, deal, negotiation, rating
from services.adrequests.domain.budget import OpenBudget, OverBudget
from services.adrequests.domain.campaign import CampaignNotActive, CampaignSuspended, CampaignUnknown, NoteCampaign
from services.adrequests.domain.counterparty import InfluencerUnknown, OtherSideUnavailable
from services.adrequests.domain.deal import (
    ApproveWork,
    CompleteDeal,
    DealNotCompleted,
    DealUnknown,
    MarkFunded,
    NoteFundingShort,
    RequestChanges,
    SubmitWork,
)
from services.adrequests.domain.negotiation import (
    AcceptOffer,
    AdRequestClosed,
    AdRequestUnknown,
    CounterOffer,
    DeclineOffer,
    NotYourTurn,
    SendOffer,
    WithdrawOffer,
)
from services.adrequests.domain.rating import GiveRating, RatedBefore
from services.adrequests.domain.terms import CurrencyNotTheCampaigns
from services.adrequests.publishing import publish
from services.adrequests.tests.samples import CAMPAIGN, INFLUENCER, OTHER_TERMS, SPONSOR, STRANGER, TERMS, URL
from shared.accounts import standing
from shared.accounts.standing import AccountRestricted, EraseTexts, NoteStanding, SponsorNotApproved
from shared.eventstore.work import UNSTAMPED
from shared.kernel.ids import new_id
from shared.testing.desk import Desk, open_desk

MODULES = (negotiation, budget, deal, rating, campaign, standing)

active = NoteCampaign(CAMPAIGN, SPONSOR, "EUR", date(9998, 12, 31), "active", False)
suspended = replace(active, suspended=True)


@pytest.fixture
async def desk(service_database: Callable[[str], FreshDatabase]) -> AsyncIterator[Desk]:
    registries = [module.EVENTS for module in MODULES]
    database = service_database("adrequests")
    async with open_desk(database, "adrequests", registries, publish, HANDLERS, DEADLINES) as opened:
        await opened.do(NoteStanding(SPONSOR, "sponsor", "active", None))
        await opened.do(NoteStanding(INFLUENCER, "influencer", "active", None))
        await opened.do(NoteStanding(STRANGER, "influencer", "active", None))
        await opened.do(active)
        await opened.do(OpenBudget(CAMPAIGN, SPONSOR, 120_000, "EUR"))
        yield opened


def offer(influencer_id: str = INFLUENCER, amount: int = TERMS.amount_minor, message: str = "Dear Ada") -> SendOffer:
    terms = replace(TERMS, amount_minor=amount)
    return SendOffer(new_id(), SPONSOR, CAMPAIGN, influencer_id, terms, message, UNSTAMPED)


def accept(id: str, by: str = INFLUENCER, version: int = 1) -> AcceptOffer:
    return AcceptOffer(id, by, version, new_id(), UNSTAMPED)


def counter(id: str, by: str = INFLUENCER, version: int = 1, amount: int = OTHER_TERMS.amount_minor) -> CounterOffer:
    terms = replace(OTHER_TERMS, amount_minor=amount)
    return CounterOffer(id, by, version, terms, "More work", UNSTAMPED)


async def sent(desk: Desk, amount: int = TERMS.amount_minor) -> str:
    id: str = (await desk.do(offer(amount=amount)))["id"]
    return id


async def agreed(desk: Desk, amount: int = TERMS.amount_minor) -> str:
    deal_id: str = (await desk.do(accept(await sent(desk, amount))))["deal_id"]
    return deal_id


async def approved(desk: Desk) -> str:
    deal_id = await agreed(desk)
    await desk.do(MarkFunded(deal_id))
    await desk.do(SubmitWork(deal_id, INFLUENCER, URL, UNSTAMPED))
    await desk.do(ApproveWork(deal_id, SPONSOR))
    return deal_id


async def completed(desk: Desk) -> str:
    deal_id = await approved(desk)
    await desk.do(CompleteDeal(deal_id, await desk.store.database.fetchval("SELECT store_now()")))
    return deal_id


async def texts(desk: Desk) -> list[tuple[str, str]]:
    rows = await desk.store.database.fetch("SELECT kind, text FROM private_texts ORDER BY kind, number, author_id")
    return [(row["kind"], row["text"]) for row in rows]


async def test_accepting_makes_the_deal_and_commits_the_budget_in_one_commit(desk: Desk) -> None:
    id = await sent(desk)
    before = len(await desk.events())
    answer = await desk.do(accept(id))
    assert (await desk.events())[before:] == [
        "adrequests.OfferAccepted.v1",
        "adrequests.BudgetCommitted.v1",
        "adrequests.DealAgreed.v1",
    ]
    assert (await desk.messages())[-1] == ("adrequests.DealAgreed.v1", id)
    state = await desk.state(deal, answer["deal_id"])
    assert (state.state, state.terms, state.of.ad_request_id) == ("funding", TERMS, id)
    assert state.terms_hash == (await desk.state(negotiation, id)).terms_hash
    assert (await desk.state(budget, CAMPAIGN)).committed_minor == TERMS.amount_minor
    assert await desk.open_deadlines() == ["funding_over"]


async def test_the_influencer_counters_and_the_sponsor_accepts(desk: Desk) -> None:
    id = await sent(desk)
    assert (await desk.do(counter(id)))["revision"] == 2
    await desk.refused(NotYourTurn, accept(id, INFLUENCER, 2))
    deal_id = (await desk.do(accept(id, SPONSOR, 2)))["deal_id"]
    assert (await desk.state(deal, deal_id)).of.amount_minor == OTHER_TERMS.amount_minor
    assert await texts(desk) == [("offer", "Dear Ada"), ("offer", "More work")]


async def test_a_deal_is_carried_out_rated_and_spends_its_commitment(desk: Desk) -> None:
    deal_id = await agreed(desk)
    await desk.do(NoteFundingShort(deal_id, 1))
    assert (await desk.state(deal, deal_id)).short
    await desk.do(MarkFunded(deal_id))
    assert await desk.open_deadlines() == []
    await desk.do(SubmitWork(deal_id, INFLUENCER, URL, UNSTAMPED))
    await desk.do(RequestChanges(deal_id, SPONSOR, "Say the shop's name"))
    assert await desk.open_deadlines() == []
    await desk.do(SubmitWork(deal_id, INFLUENCER, URL, UNSTAMPED))
    assert await desk.open_deadlines() == ["review_over"]
    await desk.do(ApproveWork(deal_id, SPONSOR))
    await desk.refused(DealNotCompleted, GiveRating(deal_id, SPONSOR, 5, "", UNSTAMPED))
    await desk.do(CompleteDeal(deal_id, await desk.store.database.fetchval("SELECT store_now()")))
    state = await desk.state(budget, CAMPAIGN)
    assert (state.spent_minor, state.committed_minor, state.free_minor) == (50_000, 0, 70_000)
    assert await desk.open_deadlines() == ["rating_over"]
    await desk.do(GiveRating(deal_id, SPONSOR, 5, "On time", UNSTAMPED))
    await desk.refused(RatedBefore, GiveRating(deal_id, SPONSOR, 1, "", UNSTAMPED))
    await desk.refused(DealUnknown, GiveRating(deal_id, STRANGER, 1, "", UNSTAMPED))
    await desk.do(GiveRating(deal_id, INFLUENCER, 4, "", UNSTAMPED))
    assert (await desk.state(rating, deal_id)).state == "published"
    assert await desk.open_deadlines() == []
    assert await texts(desk) == [("changes", "Say the shop's name"), ("offer", "Dear Ada"), ("review", "On time")]


async def test_commands_of_processes_that_come_twice_change_nothing(desk: Desk) -> None:
    deal_id = await approved(desk)
    now = await desk.store.database.fetchval("SELECT store_now()")
    commands = [
        OpenBudget(CAMPAIGN, SPONSOR, 120_000, "EUR"),
        active,
        MarkFunded(deal_id),
        NoteFundingShort(deal_id, 1),
        NoteStanding(SPONSOR, "sponsor", "active", None),
    ]
    before = await desk.events()
    for command in commands:
        await desk.do(command)
    assert await desk.events() == before
    await desk.do(CompleteDeal(deal_id, now))
    before = await desk.events()
    await desk.do(CompleteDeal(deal_id, now + timedelta(days=1)))
    assert await desk.events() == before


async def test_over_budget_nothing_is_sent_countered_or_accepted(desk: Desk) -> None:
    first, second = await sent(desk, 70_000), await sent(desk, 70_000)
    await desk.refused(OverBudget, offer(amount=120_001))
    await desk.do(accept(first))
    await desk.refused(OverBudget, accept(second))
    await desk.do(counter(second, amount=500_000))  # an influencer may dream
    await desk.refused(OverBudget, accept(second, SPONSOR, 2))
    await desk.refused(OverBudget, counter(second, SPONSOR, 2, amount=50_001))
    await desk.do(counter(second, SPONSOR, 2, amount=50_000))
    await desk.do(accept(second, INFLUENCER, 3))
    assert (await desk.state(budget, CAMPAIGN)).free_minor == 0


async def test_who_may_not_send_or_be_sent_an_offer(desk: Desk) -> None:
    await desk.refused(SponsorNotApproved, replace(offer(), by="sponsor-2"))
    await desk.do(NoteStanding("sponsor-2", "sponsor", "active", None))
    await desk.refused(CampaignUnknown, replace(offer(), by="sponsor-2"))
    await desk.refused(CampaignUnknown, replace(offer(), campaign_id="campaign-9"))
    await desk.refused(InfluencerUnknown, offer("influencer-9"))
    await desk.refused(InfluencerUnknown, offer(SPONSOR))
    await desk.refused(CurrencyNotTheCampaigns, replace(offer(), terms=replace(TERMS, currency="USD")))
    await desk.do(NoteStanding(INFLUENCER, "influencer", "active", "fraud"))
    await desk.refused(OtherSideUnavailable, offer())


async def test_a_stranger_finds_nothing(desk: Desk) -> None:
    id = await sent(desk)
    for command in (
        accept(id, STRANGER),
        counter(id, STRANGER),
        DeclineOffer(id, STRANGER, UNSTAMPED),
        WithdrawOffer(id, STRANGER, UNSTAMPED),
        accept("ad-request-9"),
    ):
        await desk.refused(AdRequestUnknown, command)
    deal_id = (await desk.do(accept(id)))["deal_id"]
    await desk.refused(DealUnknown, SubmitWork(deal_id, STRANGER, URL, UNSTAMPED))


async def test_the_restricted_cannot_act_and_nobody_agrees_with_them(desk: Desk) -> None:
    id = await sent(desk)
    await desk.do(NoteStanding(SPONSOR, "sponsor", "active", "fraud"))
    await desk.refused(OtherSideUnavailable, accept(id))
    await desk.refused(AccountRestricted, WithdrawOffer(id, SPONSOR, UNSTAMPED))
    await desk.do(NoteStanding(SPONSOR, "sponsor", "active", None))
    await desk.do(accept(id))


async def test_a_suspended_campaign_freezes_its_offers_and_reinstated_they_are_as_they_were(desk: Desk) -> None:
    id = await sent(desk)
    before = await desk.state(negotiation, id)
    await desk.do(suspended)
    await desk.refused(CampaignSuspended, accept(id))
    await desk.refused(CampaignSuspended, counter(id))
    await desk.refused(CampaignSuspended, offer())
    await desk.later(timedelta(hours=73))  # its time runs out while it is frozen
    await desk.do(active)
    after = await desk.state(negotiation, id)
    assert replace(after, expires_at=before.expires_at) == before
    assert await desk.open_deadlines() == ["offer_expiry"]
    await desk.do(accept(id))


async def test_in_an_ended_campaign_an_offer_can_only_end(desk: Desk) -> None:
    id = await sent(desk)
    await desk.do(replace(active, state="completed"))
    await desk.refused(CampaignNotActive, accept(id))
    await desk.do(DeclineOffer(id, INFLUENCER, UNSTAMPED))
    assert await desk.open_deadlines() == []


async def test_an_unanswered_offer_expires_and_a_countered_one_has_its_own_time(desk: Desk) -> None:
    silent, busy = await sent(desk), await sent(desk)
    await desk.later(timedelta(hours=71))
    await desk.do(counter(busy))
    await desk.later(timedelta(hours=2))
    assert (await desk.state(negotiation, silent)).state == "expired"
    assert (await desk.state(negotiation, busy)).state == "countered"
    await desk.refused(AdRequestClosed, accept(silent))
    await desk.later(timedelta(hours=71))
    assert (await desk.state(negotiation, busy)).state == "expired"
    assert await desk.open_deadlines() == []


async def test_an_unfunded_deal_is_cancelled_and_its_commitment_is_free_again(desk: Desk) -> None:
    deal_id = await agreed(desk)
    await desk.later(timedelta(hours=25))
    assert (await desk.state(deal, deal_id)).state == "cancelled"
    assert (await desk.state(budget, CAMPAIGN)).free_minor == 120_000
    await desk.do(MarkFunded(deal_id))  # too late: the money is given back on our word
    assert (await desk.state(deal, deal_id)).state == "cancelled"


async def test_silence_after_submission_approves(desk: Desk) -> None:
    deal_id = await agreed(desk)
    await desk.do(MarkFunded(deal_id))
    await desk.do(SubmitWork(deal_id, INFLUENCER, URL, UNSTAMPED))
    await desk.later(timedelta(hours=73))
    assert (await desk.state(deal, deal_id)).state == "approved"


async def test_one_rating_alone_is_published_after_two_weeks(desk: Desk) -> None:
    deal_id = await completed(desk)
    await desk.do(GiveRating(deal_id, INFLUENCER, 4, "", UNSTAMPED))
    await desk.later(timedelta(days=14, seconds=1))
    state = await desk.state(rating, deal_id)
    assert (state.state, state.stars_by_sponsor, state.stars_by_influencer) == ("published", None, 4)


async def test_what_an_erased_person_wrote_or_was_written_is_gone_and_nothing_follows(desk: Desk) -> None:
    deal_id = await completed(desk)
    await desk.do(GiveRating(deal_id, INFLUENCER, 4, "Call me: 555 0100", UNSTAMPED))
    await desk.do(offer(STRANGER, 10, "Dear stranger"))
    await desk.do(EraseTexts(INFLUENCER, "influencer"))
    assert await texts(desk) == [("offer", "Dear stranger")]
    await desk.do(GiveRating(deal_id, SPONSOR, 5, "Dear Ada", UNSTAMPED))
    assert await texts(desk) == [("offer", "Dear stranger")]
    await desk.do(EraseTexts(INFLUENCER, "influencer"))
    payloads = await desk.store.database.fetch("SELECT payload::text || coalesce(message::text, '') AS all FROM events")
    assert not [row for row in payloads if "Ada" in row["all"] or "555 0100" in row["all"]]


async def test_a_text_with_a_zero_character_is_no_obstacle(desk: Desk) -> None:
    await desk.do(offer(message="Dear\0 Ada"))
    assert await texts(desk) == [("offer", "Dear Ada")]


async def test_fifty_acceptances_of_one_offer_make_one_deal(desk: Desk) -> None:
    id = await sent(desk)
    done = await asyncio.gather(*(desk.do(accept(id)) for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(each, dict) for each in done) == 1
    assert {type(each) for each in done if not isinstance(each, dict)} == {AdRequestClosed}
    assert (await desk.state(budget, CAMPAIGN)).committed_minor == TERMS.amount_minor


async def test_d9_a_budget_for_ten_gives_exactly_ten_of_many_acceptances_at_once(desk: Desk) -> None:
    ids = [await sent(desk, 12_000) for _ in range(20)]
    pending = ids
    done = 0
    while pending:  # who is told to try again, tries again
        results = await asyncio.gather(*(desk.do(accept(id)) for id in pending), return_exceptions=True)
        done += sum(isinstance(each, dict) for each in results)
        refusals = {type(each).__name__ for each in results if not isinstance(each, dict)}
        assert refusals <= {"OverBudget", "Busy"}
        pending = [id for id, each in zip(pending, results, strict=True) if type(each).__name__ == "Busy"]
    assert done == 10
    assert (await desk.state(budget, CAMPAIGN)).free_minor == 0
