"""Deadlines on a clock that the test moves."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.eventstore import deadlines
from shared.eventstore.database import Database
from shared.eventstore.deadlines import DeadlineRunner
from shared.eventstore.entry import Metadata
from shared.eventstore.execute import Store
from shared.eventstore.tests import jar
from shared.eventstore.tests.test_append import fill, state
from shared.eventstore.work import Work

ME = Metadata("somebody", "a-correlation")
PATIENCE_SECONDS = 60.0


async def expire(work: Work, subject: str) -> object:
    return await work.decide(jar, subject, jar.Take(subject, 1))


async def plan(store: Store, id: str, subject: str, after: timedelta) -> None:
    async def handler(work: Work) -> dict[str, Any]:
        work.set_deadline(id, work.now + after, "expire", subject)
        return {}

    await store.execute(handler, ME)


async def ahead(owner: Database, hours: int) -> None:
    await owner.execute("UPDATE clock SET ahead_by = make_interval(hours => $1)", hours)


async def test_what_is_due_happens_once_and_nothing_before_its_time(store: Store, owner: Database) -> None:
    await fill(store, "j", 5)
    await plan(store, "early", "j", timedelta(hours=1))
    await plan(store, "late", "j", timedelta(hours=3))
    runner = DeadlineRunner(store, {"expire": expire})
    assert await runner.fire_due() == 0
    await ahead(owner, 2)
    assert [await runner.fire_due(), await runner.fire_due()] == [1, 0]
    await ahead(owner, 4)
    assert await runner.fire_due() == 1
    assert await state(store, "j") == (jar.Jar(3), 3)


async def test_what_is_planned_while_all_is_quiet_happens_when_it_is_due(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "QUIET_SECONDS", 3_600.0)  # what is planned wakes it, or nothing does
    await fill(store, "j", 5)
    runner = DeadlineRunner(store, {"expire": expire})
    running = asyncio.create_task(runner.run())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            for number, soon in enumerate((timedelta(), timedelta(seconds=2)), 1):
                await asyncio.sleep(1.5)  # by now it is quiet
                await plan(store, f"d{number}", "j", soon)
                while runner.fired < number:
                    await asyncio.sleep(0.05)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert await state(store, "j") == (jar.Jar(3), 3)


async def test_a_failing_deadline_stays_due_and_holds_up_no_other(store: Store, owner: Database) -> None:
    await fill(store, "full", 5)
    await plan(store, "a-fails", "empty", timedelta(hours=1))
    await plan(store, "b-works", "full", timedelta(hours=1))
    runner = DeadlineRunner(store, {"expire": expire})
    await ahead(owner, 2)
    assert (await runner.fire_due(), runner.failed) == (1, 1)
    await fill(store, "empty", 1)
    assert await runner.fire_due() == 1
