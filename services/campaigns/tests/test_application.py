"""S0-14, S2-03: an influencer's application, and what becomes of it."""

import pytest

from services.campaigns.domain import application
from services.campaigns.domain.application import (
    AcceptApplication,
    ApplicationAccepted,
    ApplicationAnswered,
    ApplicationRejected,
    ApplicationSubmitted,
    ApplicationUnknown,
    ApplicationWithdrawn,
    AppliedBefore,
    CurrencyNotTheCampaigns,
    Empty,
    PriceNotPositive,
    PriceTooLarge,
    RejectApplication,
    SubmitApplication,
    WithdrawApplication,
)
from services.campaigns.domain.campaign import Opening
from shared.kernel.money import MAX_AMOUNT_MINOR, Money
from shared.kernel.rejected import Rejected
from shared.testing.scenario import given

ID, CAMPAIGN, SPONSOR, INFLUENCER = "application-1", "campaign-1", "sponsor-1", "influencer-1"
PARTIES = (CAMPAIGN, SPONSOR, INFLUENCER)
OPENING = Opening(CAMPAIGN, SPONSOR, "EUR")

submitted = ApplicationSubmitted(ID, *PARTIES, Money(5_000, "EUR"))
withdrawn = ApplicationWithdrawn(ID, *PARTIES)
rejected = ApplicationRejected(ID, *PARTIES)
accepted = ApplicationAccepted(ID, *PARTIES)

submit = SubmitApplication(ID, INFLUENCER, OPENING, Money(5_000, "EUR"))
withdraw = WithdrawApplication(ID, INFLUENCER)
reject = RejectApplication(ID, SPONSOR)
accept = AcceptApplication(ID)


def test_an_influencer_applies_with_a_price_or_without() -> None:
    given(application).when(submit).then(submitted)
    given(application).when(SubmitApplication(ID, INFLUENCER, OPENING, None)).then(
        ApplicationSubmitted(ID, *PARTIES, None)
    )
    given(application, submitted).when(submit).refused(AppliedBefore)


@pytest.mark.parametrize(
    ("price", "refusal"),
    [
        (Money(0, "EUR"), PriceNotPositive),
        (Money(-1, "EUR"), PriceNotPositive),
        (Money(MAX_AMOUNT_MINOR + 1, "EUR"), PriceTooLarge),
        (Money(1, "USD"), CurrencyNotTheCampaigns),
    ],
)
def test_a_price_that_cannot_be_paid_is_refused(price: Money, refusal: type[Rejected]) -> None:
    given(application).when(SubmitApplication(ID, INFLUENCER, OPENING, price)).refused(refusal)


def test_the_influencer_withdraws_and_the_sponsor_rejects() -> None:
    given(application, submitted).when(withdraw).then(withdrawn)
    given(application, submitted).when(reject).then(rejected)


@pytest.mark.parametrize("command", [withdraw, reject])
@pytest.mark.parametrize("end", [withdrawn, rejected, accepted])
def test_an_application_ends_once(command: application.Command, end: application.Event) -> None:
    given(application, submitted, end).when(command).refused(ApplicationAnswered)


@pytest.mark.parametrize(
    "command", [WithdrawApplication(ID, SPONSOR), RejectApplication(ID, INFLUENCER), WithdrawApplication(ID, "other")]
)
def test_for_all_others_there_is_no_such_application(command: application.Command) -> None:
    given(application, submitted).when(command).refused(ApplicationUnknown)
    given(application, submitted, withdrawn).when(command).refused(ApplicationUnknown)
    given(application).when(command).refused(ApplicationUnknown)


def test_an_accepted_offer_accepts_a_submitted_application_and_no_other() -> None:
    given(application, submitted).when(accept).then(accepted)
    given(application, submitted, accepted).when(accept).then()
    given(application, submitted, withdrawn).when(accept).then()
    given(application).when(accept).then()


def test_evolve_is_total() -> None:
    for event in (withdrawn, rejected, accepted):
        assert application.evolve(Empty(), event) == Empty()
