"""Queues: one at a time on a subject, and no more of them than there is room for."""

import asyncio

import pytest

from shared.eventstore.append import Overloaded
from shared.eventstore.queues import Queues


async def hold(queues: Queues, subject: str | None, until: asyncio.Event, order: list[str | None]) -> None:
    async with queues.turn(subject):
        order.append(subject)
        await until.wait()


async def test_one_at_a_time_on_a_subject_and_others_beside_it() -> None:
    queues, until, order = Queues(), asyncio.Event(), list[str | None]()
    async with asyncio.TaskGroup() as group:
        for subject in ("a", "a", "b", None, None):
            group.create_task(hold(queues, subject, until, order))
        await asyncio.sleep(0)
        assert order == ["a", "b", None, None]
        until.set()
    assert order == ["a", "b", None, None, "a"]


@pytest.mark.parametrize("subjects", [["a", "a", "b"], ["a", "b", "c", "d", "e"], [None, None, None, "a", None]])
async def test_who_finds_no_room_is_refused_and_there_is_room_again(subjects: list[str | None]) -> None:
    queues, until, order = Queues(each=2, together=4), asyncio.Event(), list[str | None]()
    *inside, beyond = subjects if len(subjects) > 3 else [*subjects, "a"]
    async with asyncio.TaskGroup() as group:
        for subject in inside:
            group.create_task(hold(queues, subject, until, order))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await hold(queues, beyond, until, order)
        until.set()
    assert len(order) == len(inside)
    await hold(queues, beyond, until, order)


async def test_who_goes_away_while_waiting_leaves_the_place_to_others() -> None:
    queues, until, order = Queues(each=2), asyncio.Event(), list[str | None]()
    first, second = (asyncio.create_task(hold(queues, "a", until, order)) for _ in range(2))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    third = asyncio.create_task(hold(queues, "a", until, order))
    until.set()
    await asyncio.gather(first, third)
    assert order == ["a", "a"]
