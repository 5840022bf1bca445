"""Pages by keyset: a cursor holds the sort key of the last item, so that page a thousand costs as much as page one.

A cursor is opaque, not secret and not signed: a query uses it as a value only, under the caller's own restrictions.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import orjson

from shared.web.problems import FieldError, Problem

T = TypeVar("T")
Key = tuple[str | int | datetime, ...]

_LARGEST = 2**63 - 1


def make_cursor(order: str, key: Key) -> str:
    """Return the cursor behind `key` in the list and order that `order` names."""
    return base64.urlsafe_b64encode(orjson.dumps([order, *key])).decode().rstrip("=")


def read_cursor(cursor: str | None, order: str, kinds: tuple[type, ...]) -> tuple[Any, ...] | None:
    """Return the key in a cursor, its values being of `kinds`; None for the first page.

    Raises Problem (422, field `cursor`) for one that was not made by `make_cursor` for this order.
    """
    if cursor is None:
        return None
    try:
        found = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(found, list) or found[0] != order or len(found) != len(kinds) + 1:
            raise ValueError
        return tuple(_value(value, kind) for value, kind in zip(found[1:], kinds, strict=True))
    except (ValueError, IndexError, binascii.Error):
        errors = [FieldError("cursor", "The next_cursor of an earlier page of the same list is expected.")]
        raise Problem("invalid-value", errors=errors) from None


def page(
    rows: Sequence[T], limit: int, order: str, key: Callable[[T], Key], item: Callable[[T], object]
) -> dict[str, Any]:
    """Return a page of at most `limit` items out of rows that were fetched with `limit + 1`."""
    shown = rows[:limit]
    more = len(rows) > limit
    return {
        "items": [item(row) for row in shown],
        "next_cursor": make_cursor(order, key(shown[-1])) if more and shown else None,
    }


def _value(value: object, kind: type) -> object:
    if kind is datetime and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment
    if type(value) is not kind or (isinstance(value, int) and abs(value) > _LARGEST):
        raise ValueError
    if isinstance(value, str) and "\0" in value:
        raise ValueError  # PostgreSQL's text has no NUL
    return value
