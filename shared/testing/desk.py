"""A service's application on a real store, without HTTP and Kafka: commands in, states and refusals out."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import orjson
import pytest

from deploy.local.fresh import FreshDatabase
from shared.contracts import catalogue
from shared.eventstore.append import Appender
from shared.eventstore.codec import Codec
from shared.eventstore.database import Database
from shared.eventstore.deadlines import DeadlineRunner
from shared.eventstore.entry import Metadata
from shared.eventstore.execute import Store
from shared.eventstore.handlers import DeadlineHandlers, Handlers, on
from shared.eventstore.read import Deciding
from shared.eventstore.work import Publish
from shared.kernel.ids import new_id
from shared.kernel.rejected import Rejected


class Desk:
    """Takes one command after another, and moves the store's clock."""

    def __init__(self, store: Store, owner: Database, handlers: Handlers, deadlines: DeadlineHandlers) -> None:
        self.store, self._owner = store, owner
        self._handlers = handlers
        self.deadlines = DeadlineRunner(store, deadlines)

    async def do(self, command: Any) -> dict[str, Any]:
        """Execute a command and return its answer; raises what refuses it."""
        handler = self._handlers[type(command)]
        primary = handler.primary(command) if isinstance(handler, on) else None
        metadata = Metadata("tester", new_id())
        executed = await self.store.execute(lambda work: handler(work, command), metadata, primary=primary)
        answer: dict[str, Any] = orjson.loads(executed.body)
        return answer

    async def refused(self, refusal: type[Rejected], command: Any) -> None:
        """Expect a refusal, and that nothing was written for it."""
        before = await self.events()
        with pytest.raises(refusal) as raised:
            await self.do(command)
        assert raised.type is refusal
        assert await self.events() == before

    async def state(self, module: Deciding, id: str) -> Any:
        """Return an object as it stands."""
        return (await self.store.as_of(module, id))[0]

    async def events(self) -> list[str]:
        """Return the wire names of all events, in order."""
        return [row["type"] for row in await self.store.database.fetch("SELECT type FROM events ORDER BY position")]

    async def messages(self) -> list[tuple[str, str]]:
        """Return wire name and routing key of all public messages, in order."""
        sql = "SELECT message_type, message_key FROM events WHERE message IS NOT NULL ORDER BY position"
        return [(row["message_type"], row["message_key"]) for row in await self.store.database.fetch(sql)]

    async def open_deadlines(self) -> list[str]:
        """Return the kinds of all deadlines that are set, the next one first."""
        rows = await self.store.database.fetch("SELECT kind FROM deadlines ORDER BY due_at, kind")
        return [row["kind"] for row in rows]

    async def later(self, by: timedelta) -> None:
        """Move the clock forward, and fire what has become due."""
        await self._owner.execute("UPDATE clock SET ahead_by = ahead_by + $1", by)
        await self.deadlines.fire_due()
        assert self.deadlines.failed == 0


@asynccontextmanager
async def open_desk(
    database: FreshDatabase,
    service: str,
    registries: Sequence[Mapping[str, type]],
    publish: Publish,
    handlers: Handlers,
    deadlines: DeadlineHandlers,
) -> AsyncIterator[Desk]:
    """Open a store on a migrated database until the block ends."""
    serving, owner = await Database.open(database.url), await Database.open(database.owner_url, size=1)
    appender = Appender(serving, service)
    store = Store(serving, appender, Codec(*registries), Codec(catalogue.MESSAGES), publish)
    await appender.start()
    try:
        yield Desk(store, owner, handlers, deadlines)
    finally:
        await appender.stop()
        await serving.close()
        await owner.close()
