"""Handlers: what an application's index holds for each command."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from shared.eventstore.read import Deciding
from shared.eventstore.work import Work

Reply = Mapping[str, Any]
Handler = Callable[[Work, Any], Awaitable[Reply]]
Handlers = Mapping[type, Handler]
DeadlineHandlers = Mapping[str, Callable[[Work, str], Awaitable[object]]]


class on:
    """The handler of a command on a single stream: guards first, then `decide`; answers id and revision."""

    def __init__(self, module: Deciding, id_field: str, *guards: Callable[[Work, Any], Awaitable[None]]) -> None:
        self._module = module
        self._id_field = id_field
        self._guards = guards

    def primary(self, command: Any) -> tuple[Deciding, str]:
        """Return the stream that commands queue on, and that is read first."""
        return self._module, getattr(command, self._id_field)

    async def __call__(self, work: Work, command: Any) -> Reply:
        for guard in self._guards:
            await guard(work, command)
        id = getattr(command, self._id_field)
        await work.decide(self._module, id, command)
        return {"id": id, "revision": work.revision(self._module, id)}


class led_by(on):
    """The handler of a unit of work over several streams, of which the named one is read first and queued on."""

    def __init__(self, module: Deciding, id_field: str, run: Handler) -> None:
        super().__init__(module, id_field)
        self._run = run

    async def __call__(self, work: Work, command: Any) -> Reply:
        return await self._run(work, command)
