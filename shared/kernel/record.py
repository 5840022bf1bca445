"""The one way to write a small immutable thing: command, event, state, row, entry."""

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar, cast, dataclass_transform

import msgspec

if TYPE_CHECKING:
    from dataclasses import replace  # what type checkers know how to check
else:
    from msgspec.structs import replace

__all__ = ["fields_of", "record", "replace"]

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """Make `cls` a frozen msgspec.Struct: compared by value, never changed, small in memory.

    It is written like a dataclass, and `dataclasses.fields` and `asdict` know it as one; but it is made in a tenth of
    the time, and copied with a change by `replace` in a twentieth.
    """
    described: Any = dataclass(init=False, repr=False, eq=False, match_args=False)(cls)
    known = fields(described)
    own = {"__dict__", "__weakref__", "__annotations__", *(field.name for field in known)}
    made = msgspec.defstruct(
        cls.__name__,
        [(field.name, field.type, _default(field)) for field in known],
        bases=(*(base for base in cls.__bases__ if base is not object), msgspec.Struct),
        module=cls.__module__,
        namespace={name: value for name, value in vars(cls).items() if name not in own},
        frozen=True,
    )
    return cast(type[T], made)


def fields_of(value: Any) -> dict[str, Any]:
    """Return what a record holds, by name: the values themselves, which `asdict` would copy."""
    return {name: getattr(value, name) for name in type(value).__match_args__}


def _default(field: Any) -> Any:
    if field.default_factory is not MISSING:
        return msgspec.field(default_factory=field.default_factory)
    return msgspec.NODEFAULT if field.default is MISSING else field.default
