"""What an amount of money must be, wherever a person names one."""

from shared.kernel.money import CURRENCIES, MAX_AMOUNT_MINOR
from shared.kernel.rejected import Kind, Rejected


class AmountNotPositive(Rejected):
    code = "amount-not-positive"
    kind = Kind.VALUE
    field = "amount_minor"
    text = "The amount must be above zero."


class AmountTooLarge(Rejected):
    code = "amount-too-large"
    kind = Kind.VALUE
    field = "amount_minor"
    text = "The amount must not be above {limit_minor} minor units."


class CurrencyUnknown(Rejected):
    code = "currency-unknown"
    kind = Kind.VALUE
    field = "currency"
    text = "This currency is not known."


def must_be_usable(amount_minor: int, currency: str) -> None:
    """Refuse what is not above zero, above MAX_AMOUNT_MINOR, or in a currency that nobody knows."""
    if amount_minor <= 0:
        raise AmountNotPositive
    if amount_minor > MAX_AMOUNT_MINOR:
        raise AmountTooLarge(limit_minor=MAX_AMOUNT_MINOR)
    if currency not in CURRENCIES:
        raise CurrencyUnknown
