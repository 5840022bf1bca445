"""A withdrawal: earnings on their way out. requested -> paid; the sandbox provider pays at once.

That no more is taken than there is, the account of the earnings sees to.
"""

from shared.kernel.amount import must_be_usable
from shared.kernel.money import CURRENCIES
from shared.kernel.record import record, replace
from shared.kernel.rejected import Kind, Rejected

CATEGORY = "withdrawal"

SANDBOX = "sandbox"

#: In whole units of the currency: ten euros, ten yen.
MINIMUM_UNITS = 10

# Commands


@record
class RequestWithdrawal:
    withdrawal_id: str
    by: str
    amount_minor: int
    currency: str


@record
class PayWithdrawal:
    """With the provider's word that it has paid."""

    withdrawal_id: str
    provider: str


Command = RequestWithdrawal | PayWithdrawal

# Events


@record
class WithdrawalRequested:
    withdrawal_id: str
    influencer_id: str
    amount_minor: int
    currency: str


@record
class WithdrawalPaid:
    withdrawal_id: str
    influencer_id: str
    amount_minor: int
    currency: str
    provider: str


Event = WithdrawalRequested | WithdrawalPaid

EVENTS: dict[str, type] = {
    "payments.WithdrawalRequested.v1": WithdrawalRequested,
    "payments.WithdrawalPaid.v1": WithdrawalPaid,
}

# States


@record
class Empty:
    """No such withdrawal."""


@record
class Withdrawal:
    withdrawal_id: str
    influencer_id: str
    amount_minor: int
    currency: str
    state: str = "requested"  # requested, paid


State = Empty | Withdrawal

INITIAL: State = Empty()

# Refusals


class RequestedBefore(Rejected):
    code = "withdrawal-requested-before"
    text = "This withdrawal was requested before."


class BelowMinimum(Rejected):
    code = "below-minimum"
    kind = Kind.VALUE
    field = "amount_minor"
    text = "A withdrawal is {minimum_minor} minor units at the least."


def decide(command: Command, state: State) -> list[Event]:
    """Every withdrawal is requested once and paid once."""
    match command, state:
        case RequestWithdrawal(id, by, amount, currency), Empty():
            must_be_usable(amount, currency)
            if amount < (minimum := minimum_minor(currency)):
                raise BelowMinimum(minimum_minor=minimum)
            return [WithdrawalRequested(id, by, amount, currency)]
        case RequestWithdrawal(), _:
            raise RequestedBefore
        case PayWithdrawal(id, provider), Withdrawal(state="requested") as own:
            return [WithdrawalPaid(id, own.influencer_id, own.amount_minor, own.currency, provider)]
        case _:
            return []


def minimum_minor(currency: str) -> int:
    """Return the smallest withdrawal, in minor units of a known currency."""
    minimum: int = MINIMUM_UNITS * 10 ** CURRENCIES[currency]
    return minimum


def evolve(state: State, event: Event) -> State:
    """Return the withdrawal after an event."""
    match event, state:
        case WithdrawalRequested(id, influencer_id, amount, currency), Empty():
            return Withdrawal(id, influencer_id, amount, currency)
        case WithdrawalPaid(), Withdrawal():
            return replace(state, state="paid")
        case _:
            return state
