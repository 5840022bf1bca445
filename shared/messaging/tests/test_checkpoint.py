"""Checkpoints: what a number means, and how they move."""

import asyncio
import random
from dataclasses import dataclass

import pytest

from shared.eventstore.database import Database
from shared.eventstore.entry import Move
from shared.eventstore.execute import Overtaken
from shared.messaging import checkpoint
from shared.messaging.checkpoint import Checkpoint, Track, Verdict
from shared.messaging.topics import PARTITIONS
from shared.messaging.turns import Turn


def judge(track: Track, *records: tuple[str, int, int]) -> list[Verdict]:
    return [track.judge(*record) for record in records]


def test_the_next_number_is_applied_and_an_earlier_one_skipped() -> None:
    track = Track(Checkpoint())
    assert judge(track, ("e", 1, 0), ("e", 2, 5), ("e", 1, 6), ("e", 3, 9)) == [
        Verdict.APPLY, Verdict.APPLY, Verdict.SKIP, Verdict.APPLY,
    ]  # fmt: skip
    assert track.checkpoint == Checkpoint("e", 3, 10)


def test_what_is_missing_is_looked_for_twice_and_then_alarmed_about() -> None:
    track = Track(Checkpoint("e", 3, 10))
    assert track.judge("e", 5, 20) is Verdict.SEEK
    assert (track.seek_to, track.dropped) == (10, None)
    assert track.judge("e", 5, 20) is Verdict.SEEK
    assert (track.seek_to, track.dropped) == (0, None)
    assert track.judge("e", 2, 1) is Verdict.SKIP
    assert track.judge("e", 5, 20) is Verdict.DROP
    assert track.judge("e", 6, 21) is Verdict.DROP
    assert track.dropped == 20


def test_a_missing_number_that_comes_heals_the_partition_and_brings_back_what_was_dropped() -> None:
    track = Track(Checkpoint("e", 3, 10), seeks=2, dropped=20)
    assert track.judge("e", 4, 30) is Verdict.FOUND
    assert (track.dropped, track.seeks, track.seek_to) == (None, 0, 20)
    assert judge(track, ("e", 5, 20), ("e", 6, 21), ("e", 4, 30)) == [Verdict.APPLY, Verdict.APPLY, Verdict.SKIP]


def test_another_epoch_is_a_gap_whatever_its_number() -> None:
    for number in (1, 3, 4, 9):
        assert Track(Checkpoint("e", 3, 10)).judge("f", number, 20) is Verdict.SEEK


TURNED = (Turn("e", (0,) * PARTITIONS), Turn("f", (3,) * PARTITIONS))


def test_where_a_turn_was_adopted_the_lost_messages_are_skipped_and_the_others_are_one_history() -> None:
    track = Track(Checkpoint(), TURNED)
    assert judge(track, *(("e", n, n) for n in (1, 2, 3, 4, 5)), ("f", 4, 6), ("e", 5, 7), ("f", 5, 8)) == [
        *3 * [Verdict.APPLY], Verdict.SKIP, Verdict.SKIP, Verdict.APPLY, Verdict.SKIP, Verdict.APPLY,
    ]  # fmt: skip
    assert track.checkpoint == Checkpoint("f", 5, 9)


def test_a_later_epoch_than_that_of_the_last_turn_is_a_gap() -> None:
    assert Track(Checkpoint("f", 3, 10), TURNED).judge("g", 4, 20) is Verdict.SEEK


@dataclass
class Sent:
    epoch: str
    number: int
    offset: int


@pytest.mark.parametrize("turns", [(), TURNED])
@pytest.mark.parametrize("dropped", [None, 40])
@pytest.mark.parametrize("start", [Checkpoint(), Checkpoint("e", 2, 7)])
def test_following_many_at_once_is_judging_each(
    turns: tuple[Turn, ...], dropped: int | None, start: Checkpoint
) -> None:
    dice = random.Random(5)
    for _ in range(300):
        seeks = dice.choice([0, 1, 2]) if dropped is None else 2
        many, each = (Track(start, turns, 0, seeks, dropped) for _ in range(2))
        number, items = start.number, list[Sent]()
        for offset in range(10, 10 + dice.randint(0, 9)):
            number += dice.choice([1, 1, 1, 1, 1, 1, 0, 2])
            items.append(Sent(dice.choice(["e"] * 9 + ["f"]), number, offset * 2))
        until = start.number + dice.randint(0, 9)
        count = many.follow(items, until)
        for item in items[:count]:
            assert each.judge(item.epoch, item.number, item.offset) is Verdict.APPLY
        assert many == each
        assert many.checkpoint.number <= until or not count
        if count < len(items) and many.checkpoint.number < until and not turns and dropped is None:
            assert each.judge(items[count].epoch, items[count].number, items[count].offset) is not Verdict.APPLY


async def test_a_checkpoint_moves_only_from_where_it_is(reader: Database) -> None:
    first = Move("c", "t", 0, "e", after=0, number=3, next_offset=9)
    async with reader.pool.acquire() as connection:
        await checkpoint.move(connection, [first])
        for wrong in (first, Move("c", "t", 0, "f", 3, 4, 10), Move("c", "t", 1, "e", 7, 8, 9)):
            with pytest.raises(Overtaken):
                await checkpoint.move(connection, [wrong])
        both = [Move("c", "t", 0, "e", 3, 4, 10), Move("c", "t", 1, "e", 0, 1, 1)]
        await checkpoint.move(connection, both)
        found = await checkpoint.read(connection, "c")
    assert found["t", 0] == Checkpoint("e", 4, 10)
    assert found["t", 1] == Checkpoint("e", 1, 1)


async def test_of_many_who_move_at_once_one_wins(reader: Database) -> None:
    async def step() -> bool:
        async with reader.pool.acquire() as connection:
            try:
                await checkpoint.move(connection, [Move("c", "t", 0, "e", 0, 1, 1)])
            except Overtaken:
                return False
            return True

    assert sum(await asyncio.gather(*(step() for _ in range(8)))) == 1
