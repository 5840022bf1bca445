"""A projection of the tests: how often each jar was filled, and all of them together."""

from datetime import datetime

from shared.eventstore.tests.jar import JarFilled
from shared.kernel.record import record

NAME = "popular"
LISTENS = (JarFilled,)
UNLUCKY = 13


@record
class Row:
    sweets: int = 0
    fillings: int = 0
    largest: int = 0
    note: str = ""


def keys(event: JarFilled) -> tuple[str, ...]:
    return (event.jar_id, "all")


def evolve(row: Row, key: str, event: JarFilled, at: datetime) -> Row:
    if event.sweets == UNLUCKY:
        raise ValueError("13 sweets")
    note = "\0" if event.sweets == 666 else row.note
    return Row(row.sweets + event.sweets, row.fillings + 1, max(row.largest, event.sweets), note)
