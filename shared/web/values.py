"""What requests are made of: strict bodies and the kinds of values in them, each refused with its field named."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any

from annotated_types import GroupedMetadata
from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from shared.kernel.ids import ID_PATTERN, is_id
from shared.kernel.money import CURRENCIES, MAX_AMOUNT_MINOR
from shared.web.refusals import unacceptable

MAX_PAGE = 100
DEFAULT_PAGE = 20
LONGEST_CURSOR = 500

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Body(BaseModel):
    """Base of every request body: no unknown field, and no value of one type taken for another.

    Strict also means: lists as `list[...]`, choices as `Literal[...]`, dates as UtcDate.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _id(text: str) -> str:
    if not is_id(text):
        raise unacceptable("An id is expected: a UUIDv7 in lower case.")
    return text


def _currency(text: str) -> str:
    if text not in CURRENCIES:
        raise unacceptable("One of the known ISO 4217 codes is expected, in capitals.")
    return text


def _date(value: Any) -> date:
    # fromisoformat alone takes week dates and dates without hyphens as well
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise unacceptable("A date is expected: YYYY-MM-DD.")


def _one_line(text: str) -> str:
    return _readable(text, allowed="")


def _lines(text: str) -> str:
    return _readable(text.replace("\r\n", "\n"), allowed="\n\t")


def _readable(text: str, allowed: str) -> str:
    # Cc: control characters, NUL among them; Cs: lone surrogates, which no UTF-8 can carry
    if not text.isprintable():
        for character in text:
            if character not in allowed and unicodedata.category(character) in ("Cc", "Cs"):
                raise unacceptable("Text without control characters is expected.")
    return text


class Text(GroupedMetadata):
    """One line of text of `least` to `most` characters, without spaces around it: `Annotated[str, Text(120)]`.

    With `lines` it may have line breaks and tabs.
    """

    def __init__(self, most: int, least: int = 1, *, lines: bool = False) -> None:
        self.most = most
        self.least = least
        self.lines = lines

    def __iter__(self) -> Iterator[object]:
        """Give pydantic the constraints, in the order in which they apply."""
        yield StringConstraints(strip_whitespace=True, min_length=self.least, max_length=self.most)
        yield AfterValidator(_lines if self.lines else _one_line)


#: A UUIDv7 in canonical form.
Id = Annotated[str, AfterValidator(_id), WithJsonSchema({"type": "string", "pattern": f"^{ID_PATTERN.pattern}$"})]

#: A positive amount in minor units of its currency, 1 to MAX_AMOUNT_MINOR.
AmountMinor = Annotated[int, Field(strict=True, ge=1, le=MAX_AMOUNT_MINOR)]

#: An ISO 4217 code that we know.
Currency = Annotated[str, AfterValidator(_currency), WithJsonSchema({"type": "string", "enum": list(CURRENCIES)})]

#: A calendar day in UTC, YYYY-MM-DD.
UtcDate = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]

#: How many items a page has at most: `async def list_them(limit: Limit = DEFAULT_PAGE)`.
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]

#: Where a page goes on: the `next_cursor` of the one before. Read it with `pages.read_cursor`.
Cursor = Annotated[str | None, Query(max_length=LONGEST_CURSOR)]
