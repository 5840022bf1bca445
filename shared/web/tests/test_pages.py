"""Cursors: what goes in comes out, and nothing else does."""

import base64
from datetime import UTC, datetime

import orjson
import pytest

from shared.web.pages import make_cursor, page, read_cursor
from shared.web.problems import Problem

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def packed(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


def test_a_cursor_holds_its_key() -> None:
    cursor = make_cursor("newest", (NOW, "id", 7))
    assert read_cursor(cursor, "newest", (datetime, str, int)) == (NOW, "id", 7)
    assert read_cursor(None, "newest", (str,)) is None


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "é", "%%%%", "A" * 400, packed(7), packed([]), packed({}), packed(["oldest", "a", 1]), packed(["newest"]),
     packed(["newest", "a"]), packed(["newest", "a", 1, 1]), packed(["newest", 1, "a"]), packed(["newest", "a", True]),
     packed(["newest", "a", 1.0]), packed(["newest", None, 1]), packed(["newest", "a\0", 1]),
     packed(["newest", "a", 2**63]), packed(["newest", ["a"], 1]), make_cursor("newest", ("a", 1)) + "!"],
)  # fmt: skip
def test_a_cursor_that_was_tampered_with(cursor: str) -> None:
    with pytest.raises(Problem) as raised:
        read_cursor(cursor, "newest", (str, int))
    assert (raised.value.status, raised.value.errors[0].field) == (422, "cursor")


@pytest.mark.parametrize("moment", ["x", "2026-01-01T00:00:00", 7])
def test_a_moment_that_is_none(moment: object) -> None:
    with pytest.raises(Problem):
        read_cursor(packed(["newest", moment]), "newest", (datetime,))


def test_pages_follow_each_other_to_the_end() -> None:
    rows = list(range(7))
    seen: list[object] = []
    after = -1
    for _ in range(4):
        found = page([row for row in rows if row > after][: 3 + 1], 3, "up", lambda row: (row,), lambda row: {"n": row})
        seen += found["items"]
        if found["next_cursor"] is None:
            break
        [after] = read_cursor(found["next_cursor"], "up", (int,)) or ()
    assert seen == [{"n": n} for n in rows]
    assert page([], 3, "up", lambda row: (row,), lambda row: row) == {"items": [], "next_cursor": None}
