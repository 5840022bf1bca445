"""One pool of PostgreSQL connections for a process, and dedicated connections for what holds one long."""

import asyncio
from collections.abc import Mapping
from typing import Any, Self, TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
#: A connection of one's own or one of the pool's.
AnyConnection: TypeAlias = "Connection | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

#: All that is looked for often is looked for by key. A plan is made once, not for every call (to plan a step of the
#: projector takes half as long as the step), and it is never one that reads a whole table that was small by then. All
#: who lock rows that they name come to them in the order of the names.
BY_KEY = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
SESSION = {
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "30000",
    "application_name": "sponsio",
    **BY_KEY,
}

#: What asyncpg raises when PostgreSQL cannot be reached, hangs up or gives up: nothing is known to be wrong with the
#: statement.
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a pooled connection that was hung up on and does not know it yet
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.LockNotAvailableError,  # somebody holds the head for too long, as a frozen process does
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
)


async def _keep(connection: Any) -> None:
    """Reset a connection on release only where a cancelled caller left a transaction open: saves a round trip."""
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")


class Database:
    """The database of one service, as one role."""

    def __init__(self, url: str, pool: Pool) -> None:
        self.url = url
        self.pool = pool

    @classmethod
    async def open(cls, url: str, size: int = 8, session: Mapping[str, str] | None = None) -> Self:
        """Prepare a pool for `postgresql://…` of at most `size` connections, none of them before its first use.

        `session`: PostgreSQL's settings for them, beside those of all.
        """
        settings = {**SESSION, **(session or {})}
        pool = await asyncpg.create_pool(
            url, min_size=0, max_size=size, reset=_keep, timeout=5, command_timeout=30, server_settings=settings
        )
        return cls(url, pool)

    async def connect(self) -> Connection:
        """Open a connection of one's own: for the append lock, the relay's leadership, LISTEN. The caller closes it."""
        return await asyncpg.connect(self.url, timeout=5, command_timeout=30, server_settings=SESSION)

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Return all rows of one statement."""
        return await self.pool.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        """Return the first row of one statement, or None."""
        return await self.pool.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """Return the first column of the first row, or None."""
        return await self.pool.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        """Run one statement and return its command tag."""
        return await self.pool.execute(sql, *args)

    async def close(self) -> None:
        """Close the pool within five seconds, the hard way if a connection does not come back."""
        try:
            await asyncio.wait_for(self.pool.close(), 5)
        except TimeoutError:
            self.pool.terminate()
