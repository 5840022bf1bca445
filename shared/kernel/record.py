"""The one way to write a small immutable thing: command, event, state, row, entry."""

from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """Make `cls` a frozen dataclass with slots: compared by value, never changed, small in memory."""
    return dataclass(frozen=True, slots=True)(cls)


def fields_of(value: Any) -> dict[str, Any]:
    """Return what a record holds, by name: the values themselves, which `asdict` would copy."""
    return {name: getattr(value, name) for name in type(value).__match_args__}
