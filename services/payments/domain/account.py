"""An account of the ledger: a stream of postings, whose balance is credits less debits in minor units of its currency.

Accounts of people and escrows are guarded: no posting takes them below zero. The platform's own are posted to without
being read, so that all may write them at once: `platform:fees` is only ever credited, and `psp:clearing` and
`external:payouts` mirror what lies outside (below zero there is what a provider holds for us).
"""

from shared.kernel.record import record
from shared.kernel.rejected import Rejected

CATEGORY = "account"

# Names


def wallet(sponsor_id: str, currency: str) -> str:
    """Return the account of a sponsor's money that is not committed to a deal."""
    return f"sponsor:{sponsor_id}:wallet:{currency}"


def escrow(deal_id: str, currency: str) -> str:
    """Return the account of what is held for a deal."""
    return f"escrow:{deal_id}:{currency}"


def available(influencer_id: str, currency: str) -> str:
    """Return the account of earnings that can be withdrawn."""
    return f"influencer:{influencer_id}:available:{currency}"


def reserved(influencer_id: str, currency: str) -> str:
    """Return the account of earnings that are being withdrawn."""
    return f"influencer:{influencer_id}:reserved:{currency}"


def fees(currency: str) -> str:
    """Return the account of what the platform earns."""
    return f"platform:fees:{currency}"


def clearing(currency: str) -> str:
    """Return the account that mirrors what came in through the payment provider."""
    return f"psp:clearing:{currency}"


def payouts(currency: str) -> str:
    """Return the account that mirrors what went out to influencers."""
    return f"external:payouts:{currency}"


UNGUARDED = ("platform:fees:", "psp:clearing:", "external:payouts:")


def is_guarded(account: str) -> bool:
    """Tell whether the balance must be read before money is taken; the others are only posted to."""
    return not account.startswith(UNGUARDED)


# Commands


@record
class Debit:
    """Takes money out of the account, with the transfer that puts the same elsewhere."""

    account: str
    transfer_id: str
    purpose: str
    amount_minor: int
    currency: str


@record
class Credit:
    """Puts money into the account, with the transfer that takes the same from elsewhere."""

    account: str
    transfer_id: str
    purpose: str
    amount_minor: int
    currency: str


Command = Debit | Credit

# Events


@record
class Debited:
    account: str
    transfer_id: str
    purpose: str
    amount_minor: int
    currency: str


@record
class Credited:
    account: str
    transfer_id: str
    purpose: str
    amount_minor: int
    currency: str


Event = Debited | Credited

EVENTS: dict[str, type] = {"payments.Debited.v1": Debited, "payments.Credited.v1": Credited}

# States


@record
class Account:
    balance_minor: int = 0


State = Account

INITIAL: State = Account()

# Refusals


class InsufficientFunds(Rejected):
    code = "insufficient-funds"
    text = "Only {available_minor} are available."


def decide(command: Command, state: State) -> list[Event]:
    """No guarded account is ever taken below zero."""
    match command:
        case Debit(account, amount_minor=amount) if is_guarded(account) and amount > state.balance_minor:
            raise InsufficientFunds(available_minor=state.balance_minor)
        case Debit(account, transfer_id, purpose, amount, currency):
            return [Debited(account, transfer_id, purpose, amount, currency)]
        case Credit(account, transfer_id, purpose, amount, currency):
            return [Credited(account, transfer_id, purpose, amount, currency)]


def evolve(state: State, event: Event) -> State:
    """Return the account after a posting."""
    match event:
        case Debited(amount_minor=amount):
            return Account(state.balance_minor - amount)
        case Credited(amount_minor=amount):
            return Account(state.balance_minor + amount)
