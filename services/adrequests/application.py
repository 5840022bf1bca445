"""The index of adrequests: every command and who handles it.

Persons command SendOffer, CounterOffer, AcceptOffer, DeclineOffer, WithdrawOffer (negotiation), SubmitWork,
RequestChanges, ApproveWork (deal), GiveRating (rating). Processes command OpenBudget, NoteCampaign
(campaigns_followed), NoteStanding (accounts_followed), EraseTexts (erasure), MarkFunded, NoteFundingShort,
CompleteDeal (funding). CancelUnfunded, ApproveSilently, ExpireOffer and CloseRatings come of deadlines; the others
of a unit of work here. A command whose `at` is UNSTAMPED is given the time of the database.
"""

from datetime import datetime
from typing import Any

from services.adrequests.domain import budget, campaign, counterparty, deal, negotiation, rating, terms
from shared.accounts import standing
from shared.eventstore.handlers import DeadlineHandlers, Handlers, Reply, led_by, on
from shared.eventstore.work import Work

# What people write to each other, in a table that can be erased: `number` tells the versions, or rounds, apart.
KEEP_TEXT = """
INSERT INTO private_texts (kind, subject_id, number, author_id, sponsor_id, influencer_id, text, written_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"""
ERASE_TEXTS = "DELETE FROM private_texts WHERE sponsor_id = $1 OR influencer_id = $1"


# Guards


async def able(work: Work, command: Any) -> None:
    """Refuse who is restricted or erased; the standing stands until the commit."""
    standing.must_be_able_to_act(await work.load(standing, command.by))


async def may_come_to_terms(work: Work, command: Any) -> negotiation.Negotiation:
    """Return the ad request for a side that may act, in an open campaign, with another side that may act too."""
    await able(work, command)
    own = negotiation.seen_by(await work.load(negotiation, command.ad_request_id), command.by)
    campaign.must_be_open(await work.load(campaign, own.parties.campaign_id), work.now.date())
    counterparty.must_be_available(await work.load(standing, _other_account(own.parties, command.by)))
    return own


# Units of work over several streams


async def send_offer(work: Work, command: negotiation.SendOffer) -> Reply:
    """Ask an influencer for work in an own open campaign, in its currency, within what is free of its budget."""
    standing.must_be_approved(await work.load(standing, command.by))
    known = campaign.owned(await work.load(campaign, command.campaign_id), command.by)
    campaign.must_be_open(known, work.now.date())
    counterparty.must_be_an_influencer(await work.load(standing, command.influencer_id))
    terms.checked(command.terms, known.currency)
    budget.must_cover(await work.load(budget, command.campaign_id), command.terms.amount_minor)
    [sent] = await work.decide(negotiation, command.ad_request_id, command)
    _await_answer(work, sent)
    await _keep_text(work, "offer", command.ad_request_id, sent.version, sent.parties, command.by, command.message)
    return _reply(work, negotiation, command.ad_request_id)


async def counter_offer(work: Work, command: negotiation.CounterOffer) -> Reply:
    """Answer with other terms; a sponsor's are within what is free of the budget."""
    own = await may_come_to_terms(work, command)
    [countered] = await work.decide(negotiation, command.ad_request_id, command)
    if command.by == own.parties.sponsor_id:
        budget.must_cover(await work.load(budget, own.parties.campaign_id), command.terms.amount_minor)
    work.clear_deadline(_expiry(own.ad_request_id, own.expires_at))
    _await_answer(work, countered)
    version = countered.version
    await _keep_text(work, "offer", command.ad_request_id, version, own.parties, command.by, command.message)
    return _reply(work, negotiation, command.ad_request_id)


async def accept_offer(work: Work, command: negotiation.AcceptOffer) -> Reply:
    """Accept the terms, commit the budget and agree the deal, in one commit or not at all."""
    own = await may_come_to_terms(work, command)
    [accepted] = await work.decide(negotiation, command.ad_request_id, command)
    commit = budget.CommitBudget(own.parties.campaign_id, command.deal_id, own.terms.amount_minor)
    await work.decide(budget, own.parties.campaign_id, commit)
    agree = deal.AgreeDeal(
        command.deal_id, own.ad_request_id, own.parties, own.version, own.terms, own.terms_hash, accepted.by_side,
        own.state, work.now,
    )  # fmt: skip
    [agreed] = await work.decide(deal, command.deal_id, agree)
    work.clear_deadline(_expiry(own.ad_request_id, own.expires_at))
    work.set_deadline(_funding(command.deal_id), agreed.fund_by, "funding_over", command.deal_id)
    return {**_reply(work, negotiation, command.ad_request_id), "deal_id": command.deal_id}


async def end_offer(work: Work, command: negotiation.DeclineOffer | negotiation.WithdrawOffer) -> Reply:
    """Decline or withdraw, which is open in a suspended campaign too."""
    await able(work, command)
    own = negotiation.seen_by(await work.load(negotiation, command.ad_request_id), command.by)
    await work.decide(negotiation, command.ad_request_id, command)
    work.clear_deadline(_expiry(own.ad_request_id, own.expires_at))
    return _reply(work, negotiation, command.ad_request_id)


async def mark_funded(work: Work, command: deal.MarkFunded) -> Reply:
    """The money is held: the deal no longer waits for it."""
    if await work.decide(deal, command.deal_id, command):
        work.clear_deadline(_funding(command.deal_id))
    return {}


async def submit_work(work: Work, command: deal.SubmitWork) -> Reply:
    """Hand the work in; from now on silence approves it."""
    await able(work, command)
    [submitted] = await work.decide(deal, command.deal_id, command)
    review = _review(command.deal_id, submitted.submission)
    work.set_deadline(review, submitted.review_by, "review_over", command.deal_id)
    return _reply(work, deal, command.deal_id)


async def review_work(work: Work, command: deal.RequestChanges | deal.ApproveWork) -> Reply:
    """Approve the work, or ask for changes with a private note."""
    await able(work, command)
    [reviewed] = await work.decide(deal, command.deal_id, command)
    work.clear_deadline(_review(command.deal_id, reviewed.submission))
    if isinstance(command, deal.RequestChanges):
        parties = reviewed.of.parties
        await _keep_text(work, "changes", command.deal_id, reviewed.changes, parties, command.by, command.note)
    return _reply(work, deal, command.deal_id)


async def complete_deal(work: Work, command: deal.CompleteDeal) -> Reply:
    """The influencer is paid: the deal is completed, its commitment spent, and both may rate."""
    for completed in await work.decide(deal, command.deal_id, command):
        of = completed.of
        await work.decide(budget, of.parties.campaign_id, budget.SpendCommitment(of.parties.campaign_id, of.deal_id))
        ratings = rating.OpenRatings(of.deal_id, of.ad_request_id, of.parties, completed.rate_by)
        await work.decide(rating, of.deal_id, ratings)
        work.set_deadline(_rating(of.deal_id), completed.rate_by, "rating_over", of.deal_id)
    return {}


async def give_rating(work: Work, command: rating.GiveRating) -> Reply:
    """Rate the other side of an own completed deal."""
    await able(work, command)
    own = deal.seen_by(await work.load(deal, command.deal_id), command.by)
    deal.must_be_completed(own)
    events = await work.decide(rating, command.deal_id, command)
    if len(events) > 1:  # the second one: both are published
        work.clear_deadline(_rating(command.deal_id))
    await _keep_text(work, "review", command.deal_id, 1, own.of.parties, command.by, command.review)
    return _reply(work, rating, command.deal_id)


async def erase_texts(work: Work, command: standing.EraseTexts) -> Reply:
    """Delete what the person wrote or was written; the erasure is noted with it, so that none is written behind it."""
    id = command.account_id
    await work.decide(standing, id, standing.NoteStanding(id, command.role, "erased", None))
    work.write(ERASE_TEXTS, id)
    return {}


# Deadlines


async def expire_offer(work: Work, ad_request_id: str) -> None:
    """Nobody answered in time; a frozen offer is given its time anew."""
    own = await work.load(negotiation, ad_request_id)
    frozen = campaign.is_suspended(await work.load(campaign, own.parties.campaign_id))
    for event in await work.decide(
        negotiation, ad_request_id, negotiation.ExpireOffer(ad_request_id, frozen, work.now)
    ):
        if isinstance(event, negotiation.OfferDeadlineExtended):
            _await_answer(work, event)


async def cancel_unfunded(work: Work, deal_id: str) -> None:
    """Nobody paid in time: the deal is off, and its commitment free."""
    for cancelled in await work.decide(deal, deal_id, deal.CancelUnfunded(deal_id, work.now)):
        campaign_id = cancelled.of.parties.campaign_id
        await work.decide(budget, campaign_id, budget.ReleaseCommitment(campaign_id, deal_id))


async def approve_silently(work: Work, deal_id: str) -> None:
    """Nobody reviewed in time: silence takes nothing from the side that has done its part."""
    await work.decide(deal, deal_id, deal.ApproveSilently(deal_id, work.now))


async def close_ratings(work: Work, deal_id: str) -> None:
    """Not both rated in time: what there is, is published."""
    await work.decide(rating, deal_id, rating.CloseRatings(deal_id, work.now))


def _other_account(parties: terms.Parties, account_id: str) -> str:
    return parties.influencer_id if account_id == parties.sponsor_id else parties.sponsor_id


async def _keep_text(
    work: Work, kind: str, subject_id: str, number: int, parties: terms.Parties, author_id: str, text: str
) -> None:
    """Keep private words for the two sides; none are kept that are written to an erased person."""
    to = await work.load(standing, _other_account(parties, author_id))
    if text and to.state != "erased":
        kept = text.replace("\0", "")  # which a text of PostgreSQL cannot hold, and a write must not fail
        work.write(
            KEEP_TEXT, kind, subject_id, number, author_id, parties.sponsor_id, parties.influencer_id, kept, work.now
        )


def _reply(work: Work, module: Any, id: str) -> dict[str, Any]:
    return {"id": id, "revision": work.revision(module, id)}


# A deadline that is set anew has another id: one that fires late can never take the new one with it.


def _expiry(ad_request_id: str, expires_at: datetime) -> str:
    return f"offer:{ad_request_id}:{expires_at.isoformat()}"


def _await_answer(work: Work, event: Any) -> None:
    id, due = event.ad_request_id, event.expires_at
    work.set_deadline(_expiry(id, due), due, "offer_expiry", id)


def _funding(deal_id: str) -> str:
    return f"funding:{deal_id}"


def _review(deal_id: str, submission: int) -> str:
    return f"review:{deal_id}:{submission}"


def _rating(deal_id: str) -> str:
    return f"rating:{deal_id}"


HANDLERS: Handlers = {
    negotiation.SendOffer: led_by(negotiation, "ad_request_id", send_offer),
    negotiation.CounterOffer: led_by(negotiation, "ad_request_id", counter_offer),
    negotiation.AcceptOffer: led_by(negotiation, "ad_request_id", accept_offer),
    negotiation.DeclineOffer: led_by(negotiation, "ad_request_id", end_offer),
    negotiation.WithdrawOffer: led_by(negotiation, "ad_request_id", end_offer),
    deal.SubmitWork: led_by(deal, "deal_id", submit_work),
    deal.RequestChanges: led_by(deal, "deal_id", review_work),
    deal.ApproveWork: led_by(deal, "deal_id", review_work),
    rating.GiveRating: led_by(rating, "deal_id", give_rating),
    budget.OpenBudget: on(budget, "campaign_id"),
    campaign.NoteCampaign: on(campaign, "campaign_id"),
    standing.NoteStanding: on(standing, "account_id"),
    standing.EraseTexts: led_by(standing, "account_id", erase_texts),
    deal.MarkFunded: led_by(deal, "deal_id", mark_funded),
    deal.NoteFundingShort: on(deal, "deal_id"),
    deal.CompleteDeal: led_by(deal, "deal_id", complete_deal),
}

DEADLINES: DeadlineHandlers = {
    "offer_expiry": expire_offer,
    "funding_over": cancel_unfunded,
    "review_over": approve_silently,
    "rating_over": close_ratings,
}
