"""What scenarios stand on: a running platform with an open market, and how to look at it."""

from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from deploy.local.running import Running
from shared.kernel.record import record
from tests.chaos import checks
from tests.chaos.market import Market, Person

AMOUNT = 500_00  # minor units
HEAD = "SELECT 1 FROM head FOR UPDATE"  # the append lock


@record
class Stage:
    """`before` is what had happened before the market's record began."""

    state: Running
    folder: Path  # what the platform has instead of .local
    market: Market
    before: Counter[tuple[str, str, str]]

    async def happened_as_told(self) -> None:
        """Check that what clients were told is what happened."""
        checks.nothing_unexpected(self.market)
        await checks.acknowledged_once(self.market, self.state, self.before)

    async def known_to_payments(self) -> list[Person]:
        """Return all sponsors once payments has heard that they are approved, and the read models of their money."""
        for sponsor in self.market.sponsors:
            await self.market.top_up(sponsor, AMOUNT)
        await checks.taken(self.state)
        return self.market.sponsors

    async def read_models_equal_their_rebuild(self) -> None:
        """Check the read models once they have taken everything."""
        await checks.taken(self.state)
        await checks.verified(self.state, "gateway")


Scenario = Callable[[Stage], Awaitable[None]]
