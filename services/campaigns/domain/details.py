"""The details of a campaign: what its sponsor writes, and which values cannot be."""

from dataclasses import fields
from datetime import date

from shared.kernel.amount import CurrencyUnknown
from shared.kernel.money import CURRENCIES, MAX_AMOUNT_MINOR
from shared.kernel.niche import is_niche
from shared.kernel.record import record, replace
from shared.kernel.rejected import Kind, Rejected

VISIBILITIES = ("public", "private")


@record
class Details:
    """What the sponsor writes; fixed once the campaign is published."""

    title: str
    goals: str
    description: str
    niche: str
    budget_minor: int
    currency: str
    starts_on: date  # both days belong to the campaign, in UTC
    ends_on: date
    visibility: str


@record
class Changes:
    """An edit: None leaves a detail as it is."""

    title: str | None = None
    goals: str | None = None
    description: str | None = None
    niche: str | None = None
    budget_minor: int | None = None
    currency: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    visibility: str | None = None


class EndsBeforeItStarts(Rejected):
    code = "ends-before-it-starts"
    kind = Kind.VALUE
    field = "ends_on"
    text = "The last day lies before the first."


class BudgetNotPositive(Rejected):
    code = "budget-not-positive"
    kind = Kind.VALUE
    field = "budget_minor"
    text = "The budget must be above zero."


class BudgetTooLarge(Rejected):
    code = "budget-too-large"
    kind = Kind.VALUE
    field = "budget_minor"
    text = "The budget must not be above {limit_minor} minor units."


class NicheUnreadable(Rejected):
    code = "niche-unreadable"
    kind = Kind.VALUE
    field = "niche"
    text = "A niche is one to five lower-case words."


class VisibilityUnknown(Rejected):
    code = "visibility-unknown"
    kind = Kind.VALUE
    field = "visibility"
    text = "The visibility is public or private."


def checked(details: Details) -> Details:
    """Return the details as they are, or refuse the first value that cannot be."""
    if details.budget_minor <= 0:
        raise BudgetNotPositive
    if details.budget_minor > MAX_AMOUNT_MINOR:
        raise BudgetTooLarge(limit_minor=MAX_AMOUNT_MINOR)
    if details.currency not in CURRENCIES:
        raise CurrencyUnknown
    if not is_niche(details.niche):
        raise NicheUnreadable
    if details.visibility not in VISIBILITIES:
        raise VisibilityUnknown
    if details.ends_on < details.starts_on:
        raise EndsBeforeItStarts
    return details


def changed(details: Details, changes: Changes) -> Details:
    """Return the details with an edit's values in place of the former."""
    new = {each.name: value for each in fields(changes) if (value := getattr(changes, each.name)) is not None}
    return replace(details, **new)
