"""Money: integer minor units with an ISO 4217 currency; never a float, never a conversion."""

from shared.kernel.record import record

#: ISO 4217 code -> digits behind the decimal point of its minor unit. What is not here is an unknown currency.
CURRENCIES: dict[str, int] = {
    "AUD": 2, "BRL": 2, "CAD": 2, "CHF": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HKD": 2, "HUF": 2, "INR": 2,
    "JPY": 0, "KRW": 0, "MXN": 2, "NOK": 2, "NZD": 2, "PLN": 2, "RON": 2, "SEK": 2, "SGD": 2, "USD": 2, "ZAR": 2,
}  # fmt: skip

#: No single amount is larger: a ledger of millions of them stays inside a signed 64-bit integer.
MAX_AMOUNT_MINOR = 100_000_000_000


@record
class Money:
    """An amount in minor units (cents for EUR, whole yen for JPY) of one currency."""

    amount_minor: int
    currency: str


def share_of(amount_minor: int, basis_points: int) -> int:
    """Return `basis_points` / 10,000 of an amount, rounded half up to a whole minor unit."""
    return (amount_minor * basis_points + 5_000) // 10_000
