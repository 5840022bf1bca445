"""What adrequests does when others tell it something: in any order across keys, and twice if need be."""

from datetime import date

import hypothesis

from services.adrequests.domain.budget import OpenBudget
from services.adrequests.domain.campaign import NoteCampaign
from services.adrequests.domain.deal import CompleteDeal, MarkFunded, NoteFundingShort
from services.adrequests.processes import campaigns_followed, funding
from services.adrequests.tests.samples import AD_REQUEST, CAMPAIGN, DEAL, INFLUENCER, LAST_DAY, NOW, SPONSOR
from shared.contracts import campaigns, payments
from shared.testing.scenario import shuffled, took

MONEY = (DEAL, AD_REQUEST, CAMPAIGN, SPONSOR, INFLUENCER)
held = payments.FundsHeld(*MONEY, 50_000, "EUR")
refused = payments.FundingRefused(*MONEY, 50_000, "EUR", 20_000)
released = payments.FundsReleased(*MONEY, 50_000, 5_000, 45_000, "EUR", "held")

published = campaigns.CampaignPublished(
    CAMPAIGN,
    SPONSOR,
    "Spring",
    "Sell",
    "Flowers",
    "garden",
    900_000,
    "EUR",
    date(2026, 3, 1),
    LAST_DAY,
    "public",
    "draft",
)
suspended = campaigns.CampaignSuspended(CAMPAIGN, SPONSOR, "public", "active", "fraud")
reinstated = campaigns.CampaignReinstated(CAMPAIGN, SPONSOR, "public", "active")
completed = campaigns.CampaignCompleted(CAMPAIGN, SPONSOR, "public", "active")
cancelled = campaigns.CampaignCancelled(CAMPAIGN, SPONSOR, "public", "active")


def note(state: str, suspended: bool) -> NoteCampaign:
    return NoteCampaign(CAMPAIGN, SPONSOR, "EUR", LAST_DAY, state, suspended)


def test_the_deal_follows_its_money() -> None:
    took(funding).when(held, NOW).then(MarkFunded(DEAL))
    took(funding).when(refused, NOW).then(NoteFundingShort(DEAL, 20_000))
    took(funding, refused).when(held, NOW).then(MarkFunded(DEAL))
    took(funding, held).when(released, NOW).then(CompleteDeal(DEAL, NOW))
    assert {funding.route(event) for event in (held, refused, released)} == {DEAL}


def test_a_published_campaign_opens_its_budget() -> None:
    open_budget = OpenBudget(CAMPAIGN, SPONSOR, 900_000, "EUR")
    took(campaigns_followed).when(published, NOW).then(open_budget, note("active", False))
    took(campaigns_followed, published).when(published, NOW).then(open_budget, note("active", False))
    assert campaigns_followed.route(published) == CAMPAIGN


def test_a_campaign_is_noted_as_it_stands() -> None:
    took(campaigns_followed, published).when(suspended, NOW).then(note("active", True))
    took(campaigns_followed, published, suspended).when(reinstated, NOW).then(note("active", False))
    took(campaigns_followed, published).when(completed, NOW).then(note("completed", False))
    took(campaigns_followed, published, suspended).when(cancelled, NOW).then(note("cancelled", True))


def test_a_draft_that_is_suspended_or_cancelled_concerns_nobody_yet() -> None:
    for event in (suspended, reinstated, cancelled):
        took(campaigns_followed).when(event, NOW).then()


other = campaigns.CampaignPublished(
    "campaign-2", SPONSOR, "Autumn", "Sell", "Bulbs", "garden", 5, "USD", date(2026, 9, 1), LAST_DAY, "public", "draft"
)
other_suspended = campaigns.CampaignSuspended("campaign-2", SPONSOR, "public", "active", "spam")


@hypothesis.given(shuffled({"a": [published, suspended, reinstated, completed], "b": [other, other_suspended]}))
def test_campaigns_do_not_disturb_each_other(messages: list[campaigns_followed.Message]) -> None:
    states: dict[str, campaigns_followed.Followed] = {}
    last: dict[str, object] = {}
    for message in messages:
        key = campaigns_followed.route(message)
        assert key is not None
        states[key] = campaigns_followed.evolve(states.get(key, campaigns_followed.INITIAL), message)
        last[key] = campaigns_followed.react(message, states[key], NOW)[-1]
    assert last[CAMPAIGN] == note("completed", False)
    assert last["campaign-2"] == NoteCampaign("campaign-2", SPONSOR, "USD", LAST_DAY, "active", True)
