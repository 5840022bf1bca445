"""The process runner: others' messages in, own commands out, exactly once in effect.

Each message that concerns a process is one unit of work: it is stored in the process's stream, the process reacts,
its commands are decided, and the checkpoint moves, all in one commit. Messages that concern nobody are passed over:
read again they are nothing again, so the checkpoint moves behind them with the next one that does, or by `settle`.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from shared.eventstore.entry import Metadata, Move
from shared.eventstore.execute import Store
from shared.eventstore.handlers import Handlers, Reply
from shared.eventstore.work import Work
from shared.messaging import checkpoint, parking
from shared.messaging.batches import Run, step
from shared.messaging.checkpoint import Place
from shared.messaging.envelope import Item, Received
from shared.messaging.parking import Chain, Intake, Parked, Reading


class Process(parking.Unit, Protocol):
    """A module of `processes/`; it is passed itself. Pure, and it commands only its own service."""

    @property
    def INITIAL(self) -> Any: ...

    @property
    def route(self) -> Callable[[Any], str | None]: ...

    @property
    def evolve(self) -> Callable[[Any, Any], Any]: ...

    @property
    def react(self) -> Callable[[Any, Any, datetime], Sequence[Any]]: ...


class Refused(Exception):
    """A process's own code failed on a message."""

    def __init__(self, unit: str, error: str) -> None:
        super().__init__(f"{unit}: {error}")
        self.unit = unit
        self.error = error


Routed = list[tuple[Process, str]]


class Processes:
    """All processes of a service: one consumer."""

    def __init__(
        self,
        store: Store,
        processes: Sequence[Process],
        handlers: Handlers,
        messages: Mapping[str, type],
        *,
        consumer: str = "processes",
        ignored: Collection[str] = (),
    ) -> None:
        """`messages`: wire name -> record of all that may come; `ignored`: wire names that may come and are nothing."""
        self.consumer = consumer
        self._store = store
        self._handlers = handlers
        self._intake: Intake[Process] = Intake(processes, messages, ignored)
        self._passed: dict[Place, Move] = {}  # to behind what concerned nobody, from where the checkpoint stands

    async def take(self, runs: Sequence[Run]) -> None:
        """Take each run in order, the runs beside each other: their commits then share a transaction."""
        concerning = any(self._intake.concerns(item) for run in runs for item in run.items)
        held = await parking.chains(self._store.database, self.consumer) if concerning else set()
        results = await asyncio.gather(*(self._run(run, held) for run in runs), return_exceptions=True)
        for problem in results:
            if problem is not None:
                raise problem

    async def settle(self) -> None:
        """Move the checkpoints behind what was passed over; raises Overtaken, and nothing is lost by it.

        Without the append lock: whoever appends to this store all the time would find the head moved every second.
        """
        moves, self._passed = list(self._passed.values()), {}
        if moves:
            async with self._store.database.pool.acquire() as connection, connection.transaction():
                await checkpoint.move(connection, moves)
                await connection.execute(checkpoint.TELL, self.consumer)

    def _behind(self, run: Run) -> int:
        """Return the number at which the checkpoint stands before a run: what was passed over is not noted yet."""
        passed = self._passed.pop(run.place, None)
        return passed.after if passed is not None and passed.number == run.after.number else run.after.number

    async def replay(self, places: Collection[Place]) -> None:
        """Try again what is parked for each process."""
        await parking.replay(self._store.database, self.consumer, places, self._retry)

    async def _run(self, run: Run, held: set[Chain]) -> None:
        after = self._behind(run)
        for item in run.items:
            reading = self._intake.read(item, held)
            routed, refused = self._route(reading)
            if routed or refused:
                move = step(self.consumer, run, after, item)
                refused = await self._commit(item, reading.event, routed, refused, move)
                held.update((unit, item.topic, item.key) for unit in refused)
                after = item.number
        if after < run.items[-1].number:
            self._passed[run.place] = step(self.consumer, run, after, run.items[-1])

    def _route(self, reading: Reading[Process]) -> tuple[Routed, dict[str, str]]:
        routed, refused = [], dict(reading.refused)
        for process in reading.units:
            try:
                key = process.route(reading.event)
            except Exception as problem:
                refused[process.NAME] = parking.described(problem)
            else:
                if key is not None:
                    routed.append((process, key))
        return routed, refused

    async def _commit(
        self, item: Item, event: Any, routed: Routed, refused: dict[str, str], move: Move
    ) -> dict[str, str]:
        """Commit one message for all whom it concerns, parked for those who fail; returns unit -> error of these."""
        while True:
            able = [(process, key) for process, key in routed if process.NAME not in refused]
            try:
                await self._store.execute(
                    partial(self._work, item, event, able, refused), _metadata(item, able), moves=(move,)
                )
                return refused
            except Refused as problem:
                refused[problem.unit] = problem.error
            except Exception as problem:
                if parking.passing(problem) or not able:
                    raise
                refused.update({process.NAME: parking.described(problem) for process, _ in able})

    async def _work(self, item: Item, event: Any, able: Routed, refused: Mapping[str, str], work: Work) -> Reply:
        for process, key in able:
            await self._take_one(work, process, key, item, event)
        for unit, error in refused.items():
            work.write(parking.PARK, *parking.row(self.consumer, unit, item, error))
        return {}

    async def _take_one(self, work: Work, process: Process, key: str, item: Item, event: Any) -> None:
        assert isinstance(item, Received)
        try:
            state = await work.take(process, key, item.type, item.value, event)
            for command in process.react(event, state, item.time):
                await self._handlers[type(command)](work, command)
        except Exception as problem:
            if parking.passing(problem):
                raise
            raise Refused(process.NAME, parking.described(problem)) from problem

    async def _retry(self, parked: Parked) -> None:
        reading = self._intake.read(parked.item, ())
        if parked.unit in reading.refused:
            raise Refused(parked.unit, reading.refused[parked.unit])
        process = next((unit for unit in reading.units if parked.unit == unit.NAME), None)
        key = process.route(reading.event) if process is not None else None
        able = [(process, key)] if process is not None and key is not None else []
        await self._store.execute(partial(self._work_again, parked, reading.event, able), _metadata(parked.item, able))

    async def _work_again(self, parked: Parked, event: Any, able: Routed, work: Work) -> Reply:
        """Take a parked message unless somebody has: whoever is faster moves the process's stream on, read before."""
        for process, key in able:
            await work.attend(process, key)
        if await self._store.database.fetchval(parking.IS_PARKED, parked.id):
            for process, key in able:
                await self._take_one(work, process, key, parked.item, event)
            work.write(parking.UNPARK, parked.id)
        return {}


def _metadata(item: Item, able: Routed) -> Metadata:
    """Return who acts: the process, for whoever caused the message, in the same correlation."""
    names = "+".join(process.NAME for process, _ in able) or "parking"
    if not isinstance(item, Received):
        return Metadata(f"system:{names}", f"{item.topic}[{item.partition}]@{item.offset}")
    return Metadata(
        actor=f"system:{names}",
        correlation_id=item.correlation_id,
        causation_id=item.id,
        on_behalf_of=item.on_behalf_of or (None if item.actor.startswith("system:") else item.actor),
        reason=item.reason,
        traceparent=item.traceparent,
    )
