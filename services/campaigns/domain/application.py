"""An application: an influencer would like to join a campaign. Its message is private and never in here.

submitted -> withdrawn | rejected | accepted; once per campaign and influencer, for good.
"""

from services.campaigns.domain.campaign import Opening
from shared.kernel.money import MAX_AMOUNT_MINOR, Money
from shared.kernel.record import record, replace
from shared.kernel.rejected import Kind, Rejected

CATEGORY = "application"

# Commands


@record
class SubmitApplication:
    application_id: str
    by: str
    opening: Opening  # told: the campaign as it stands open
    price: Money | None


@record
class WithdrawApplication:
    application_id: str
    by: str


@record
class RejectApplication:
    application_id: str
    by: str


@record
class AcceptApplication:
    """Of the process `selection`."""

    application_id: str


Command = SubmitApplication | WithdrawApplication | RejectApplication | AcceptApplication

# Events


@record
class ApplicationSubmitted:
    application_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    price: Money | None


@record
class ApplicationWithdrawn:
    application_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str


@record
class ApplicationRejected:
    application_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str


@record
class ApplicationAccepted:
    application_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str


Event = ApplicationSubmitted | ApplicationWithdrawn | ApplicationRejected | ApplicationAccepted

EVENTS: dict[str, type] = {
    "campaigns.ApplicationSubmitted.v1": ApplicationSubmitted,
    "campaigns.ApplicationWithdrawn.v1": ApplicationWithdrawn,
    "campaigns.ApplicationRejected.v1": ApplicationRejected,
    "campaigns.ApplicationAccepted.v1": ApplicationAccepted,
}

# States


@record
class Empty:
    """No such application."""


@record
class Application:
    application_id: str
    campaign_id: str
    sponsor_id: str
    influencer_id: str
    state: str = "submitted"  # submitted, withdrawn, rejected, accepted


State = Empty | Application

INITIAL: State = Empty()

# Refusals


class ApplicationUnknown(Rejected):
    code = "application-unknown"
    kind = Kind.MISSING
    text = "There is no such application."


class ApplicationAnswered(Rejected):
    code = "application-answered"
    text = "The application is {state}."


class AppliedBefore(Rejected):
    code = "applied-before"
    text = "You have applied to this campaign before."


class PriceNotPositive(Rejected):
    code = "price-not-positive"
    kind = Kind.VALUE
    field = "price_minor"
    text = "The price must be above zero."


class PriceTooLarge(Rejected):
    code = "price-too-large"
    kind = Kind.VALUE
    field = "price_minor"
    text = "The price must not be above {limit_minor} minor units."


class CurrencyNotTheCampaigns(Rejected):
    code = "currency-not-the-campaigns"
    kind = Kind.VALUE
    field = "currency"
    text = "The campaign pays in {currency}."


def decide(command: Command, state: State) -> list[Event]:
    """Withdrawing is the influencer's, rejecting the sponsor's; for everybody else there is no such application."""
    match command, state:
        case SubmitApplication(id, by, opening, price), Empty():
            return [
                ApplicationSubmitted(id, opening.campaign_id, opening.sponsor_id, by, checked(price, opening.currency))
            ]
        case SubmitApplication(), _:
            raise AppliedBefore
        case AcceptApplication(id), Application(state="submitted") as own:
            return [ApplicationAccepted(id, own.campaign_id, own.sponsor_id, own.influencer_id)]
        case AcceptApplication(), _:
            return []
        case WithdrawApplication(id, by), Application(influencer_id=owner) as own if owner == by:
            must_be_open(own)
            return [ApplicationWithdrawn(id, own.campaign_id, own.sponsor_id, own.influencer_id)]
        case RejectApplication(id, by), Application(sponsor_id=owner) as own if owner == by:
            must_be_open(own)
            return [ApplicationRejected(id, own.campaign_id, own.sponsor_id, own.influencer_id)]
        case _:
            raise ApplicationUnknown


def checked(price: Money | None, currency: str) -> Money | None:
    """Return the price as it is, or refuse it; no price is fine."""
    if price is None:
        return None
    if price.amount_minor <= 0:
        raise PriceNotPositive
    if price.amount_minor > MAX_AMOUNT_MINOR:
        raise PriceTooLarge(limit_minor=MAX_AMOUNT_MINOR)
    if price.currency != currency:
        raise CurrencyNotTheCampaigns(currency=currency)
    return price


def must_be_open(application: Application) -> None:
    """Refuse unless nobody has answered or withdrawn it."""
    if application.state != "submitted":
        raise ApplicationAnswered(state=application.state)


def evolve(state: State, event: Event) -> State:
    """Return the application after an event."""
    match event, state:
        case ApplicationSubmitted(), Empty():
            return Application(event.application_id, event.campaign_id, event.sponsor_id, event.influencer_id)
        case ApplicationWithdrawn(), Application():
            return replace(state, state="withdrawn")
        case ApplicationRejected(), Application():
            return replace(state, state="rejected")
        case ApplicationAccepted(), Application():
            return replace(state, state="accepted")
        case _:
            return state
