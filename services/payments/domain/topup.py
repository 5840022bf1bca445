"""A top-up: money of a sponsor that a provider brings in. The sandbox provider brings it at once."""

from shared.kernel.amount import must_be_usable
from shared.kernel.record import record
from shared.kernel.rejected import Rejected

CATEGORY = "topup"

SANDBOX = "sandbox"

# Commands


@record
class TopUpWallet:
    topup_id: str
    by: str
    amount_minor: int
    currency: str


Command = TopUpWallet

# Events


@record
class WalletToppedUp:
    topup_id: str
    sponsor_id: str
    amount_minor: int
    currency: str
    provider: str


Event = WalletToppedUp

EVENTS: dict[str, type] = {"payments.WalletToppedUp.v1": WalletToppedUp}

# States


@record
class Empty:
    """No such top-up."""


@record
class ToppedUp:
    """The money is in the wallet."""


State = Empty | ToppedUp

INITIAL: State = Empty()

# Refusals


class ToppedUpBefore(Rejected):
    code = "topped-up-before"
    text = "This top-up was made before."


def decide(command: Command, state: State) -> list[Event]:
    """Every top-up brings money once."""
    if state != Empty():
        raise ToppedUpBefore
    must_be_usable(command.amount_minor, command.currency)
    return [WalletToppedUp(command.topup_id, command.by, command.amount_minor, command.currency, SANDBOX)]


def evolve(state: State, event: Event) -> State:
    """Return the top-up after its event."""
    return ToppedUp()
