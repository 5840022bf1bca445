"""An operator's verb waits for a database that is away, and says soon what else is wrong."""

import pytest

from shared.eventstore.append import StoreAway
from shared.roles.cli import patiently


class Verb:
    def __init__(self, *problems: Exception) -> None:
        self.problems = list(problems)

    async def __call__(self) -> str:
        if self.problems:
            raise self.problems.pop(0)
        return "done"


async def test_a_database_that_comes_back_is_waited_for() -> None:
    assert await patiently(Verb(TimeoutError(), ConnectionRefusedError(), StoreAway("hung up"))) == "done"


async def test_one_that_stays_away_is_told() -> None:
    with pytest.raises(ConnectionRefusedError):
        await patiently(Verb(ConnectionRefusedError()), seconds=-1)


async def test_anything_else_is_told_at_once() -> None:
    verb = Verb(ValueError("wrong"), ValueError("wrong again"))
    with pytest.raises(ValueError, match=r"wrong$"):
        await patiently(verb)
    assert len(verb.problems) == 1
