"""The one way to write a small immutable thing: command, event, state, row, entry."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """Make `cls` a frozen dataclass with slots: compared by value, never changed, small in memory."""
    return dataclass(frozen=True, slots=True)(cls)
