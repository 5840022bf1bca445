"""The chain: one changed byte, one missing row or a cut tail is found, and its position named."""

from datetime import UTC, datetime

import pytest

from shared.eventstore.chain import GENESIS, BrokenChain, link, verify
from shared.eventstore.database import Database
from shared.eventstore.execute import Store
from shared.eventstore.tests.test_append import fill


@pytest.fixture
async def ten(store: Store) -> None:
    for n in range(10):
        await fill(store, f"j{n % 3}", n + 1)


async def broken(owner: Database, *statements: str) -> int:
    for statement in statements:
        await owner.execute(statement)
    connection = await owner.connect()
    with pytest.raises(BrokenChain) as caught:
        await verify(connection, batch=4)
    await connection.close()
    return caught.value.position


async def test_an_untouched_log_is_intact(ten: None, owner: Database) -> None:
    connection = await owner.connect()
    assert (await verify(connection, batch=3)).events == 10
    await connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "payload = replace(payload::text, '\"sweets\":7', '\"sweets\":8')::json",
        "payload = (payload::text || ' ')::json",
        "metadata = replace(metadata::text, 'somebody', 'somebodz')::json",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "message_key = message_key || 'x'",
        "message = (message::text || ' ')::json",
        "number = number + 1000",
        "stream = 'jar-other'",
        "hash = sha256(hash)",
    ],
)
async def test_one_changed_byte_is_found_where_it_is(ten: None, owner: Database, change: str) -> None:
    assert await broken(owner, f"UPDATE events SET {change} WHERE position = 7") == 7


async def test_a_missing_row_is_found(ten: None, owner: Database) -> None:
    assert await broken(owner, "DELETE FROM events WHERE position = 4") == 4


async def test_a_cut_tail_is_found(ten: None, owner: Database) -> None:
    assert await broken(owner, "DELETE FROM events WHERE position > 8") == 9


async def test_two_swapped_rows_are_found(ten: None, owner: Database) -> None:
    swap = "UPDATE events SET position = CASE position WHEN 5 THEN -6 ELSE -5 END WHERE position IN (5, 6)"
    assert await broken(owner, swap, "UPDATE events SET position = -position WHERE position < 0") == 5


def test_what_is_hashed_never_changes() -> None:
    """Of an event with a message and one without: every store that there is hangs on these bytes."""
    at = datetime(2026, 11, 22, 6, 0, 0, 123456, tzinfo=UTC)
    event = ("an-id", "jar-a", 1, "jars.JarFilled.v1", b'{"sweets":1}', b'{"actor":"me"}', at)
    first = link(GENESIS, (1, *event, 3, 7, "a-key", "jars.JarFilled.v1", b'{"sweets":1}'))
    event = ("an-id", "jar-a", 2, "jars.JarFilled.v1", b'{"sweets":2}', b'{"actor":"me"}', at)
    second = link(first, (2, *event, None, None, None, None, None))
    assert first.hex() == "1771eaf9cbdfc6ec2d0c5189553cddecb41875fdf35f09b2eae90e6810cb4b5d"
    assert second.hex() == "ad89828a6f4340dd2cfc2df6ce672f8bcdae876704cd4fd6c9547f705a7f6066"
