"""Deadlines on a clock that the test moves."""

from datetime import timedelta
from typing import Any

from shared.eventstore.database import Database
from shared.eventstore.deadlines import DeadlineRunner
from shared.eventstore.entry import Metadata
from shared.eventstore.execute import Store
from shared.eventstore.tests import jar
from shared.eventstore.tests.test_append import fill, state
from shared.eventstore.work import Work

ME = Metadata("somebody", "a-correlation")


async def expire(work: Work, subject: str) -> object:
    return await work.decide(jar, subject, jar.Take(subject, 1))


async def plan(store: Store, id: str, subject: str, hours: int) -> None:
    async def handler(work: Work) -> dict[str, Any]:
        work.set_deadline(id, work.now + timedelta(hours=hours), "expire", subject)
        return {}

    await store.execute(handler, ME)


async def ahead(owner: Database, hours: int) -> None:
    await owner.execute("UPDATE clock SET ahead_by = make_interval(hours => $1)", hours)


async def test_what_is_due_happens_once_and_nothing_before_its_time(store: Store, owner: Database) -> None:
    await fill(store, "j", 5)
    await plan(store, "early", "j", 1)
    await plan(store, "late", "j", 3)
    runner = DeadlineRunner(store, {"expire": expire})
    assert await runner.fire_due() == 0
    await ahead(owner, 2)
    assert [await runner.fire_due(), await runner.fire_due()] == [1, 0]
    await ahead(owner, 4)
    assert await runner.fire_due() == 1
    assert await state(store, "j") == (jar.Jar(3), 3)


async def test_a_failing_deadline_stays_due_and_holds_up_no_other(store: Store, owner: Database) -> None:
    await fill(store, "full", 5)
    await plan(store, "a-fails", "empty", 1)
    await plan(store, "b-works", "full", 1)
    runner = DeadlineRunner(store, {"expire": expire})
    await ahead(owner, 2)
    assert (await runner.fire_due(), runner.failed) == (1, 1)
    await fill(store, "empty", 1)
    assert await runner.fire_due() == 1
