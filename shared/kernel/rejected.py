"""How a person is refused: by a named exception that knows its kind, and nothing of HTTP."""

from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """Why a command is refused; the web layer alone turns a kind into a status."""

    STATE = "state"  # not in this state, not your turn, somebody was first
    VALUE = "value"  # a value is not acceptable; `field` names it
    FORBIDDEN = "forbidden"  # known, but not allowed: role or restriction
    MISSING = "missing"  # unknown, or somebody else's


class Rejected(Exception):
    """Base of every refusal of a person's command.

    A subclass gives `code` (stable, kebab case, part of the public problem type), `kind`, for a value the `field`
    of the request that it is about, and `text`, one sentence with {placeholders} for the keyword arguments.
    The arguments reach the caller as members of the problem: never put personal data into them.
    """

    code: ClassVar[str] = "rejected"
    kind: ClassVar[Kind] = Kind.STATE
    field: ClassVar[str | None] = None
    text: ClassVar[str] = "The command was refused."

    def __init__(self, **details: str | int | None) -> None:
        super().__init__(self.text.format(**details))
        self.details = details
