"""What the services say: every private event, made up, goes through its service's `publish`.

A made-up event holds another value in every field, so that the key of its message tells which field it was taken from.
"""

import dataclasses
import importlib
import itertools
import pkgutil
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.contracts.catalogue import PRODUCERS

Publish = Callable[[object], tuple[object, str] | None]

_START = datetime(2026, 1, 1, tzinfo=UTC)


class BadPublishing(Exception):
    """A service says what it must not say, or does not say what it promises."""


def private_events(service: str) -> dict[str, type]:
    """Return what all domain modules of a service register in EVENTS."""
    domain = importlib.import_module(f"services.{service}.domain")
    events: dict[str, type] = {}
    for module in pkgutil.iter_modules(domain.__path__):
        events |= getattr(importlib.import_module(f"{domain.__name__}.{module.name}"), "EVENTS", {})
    return events


def publish_of(service: str) -> Publish:
    """Return the `publish` of a service."""
    publish: Publish = importlib.import_module(f"services.{service}.publishing").publish
    return publish


def make_up(kind: Any, numbers: Iterator[int]) -> Any:
    """Return a value of this type, other than all that were made up before out of the same numbers."""
    number = next(numbers)
    arguments = typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return kind(**{name: make_up(part, numbers) for name, part in typing.get_type_hints(kind).items()})
    if typing.get_origin(kind) is tuple:
        return tuple(make_up(part, numbers) for part in arguments if part is not Ellipsis)
    if isinstance(kind, types.UnionType):
        return make_up(next(part for part in arguments if part is not type(None)), numbers)
    simple: dict[Any, Any] = {
        str: f"text-{number}",
        int: number,
        bool: True,
        datetime: _START + timedelta(hours=number),
        date: (_START + timedelta(days=number)).date(),
    }
    return simple[kind]


def keys_of(service: str, events: Mapping[str, type], publish: Publish, contract: Mapping[str, type]) -> dict[str, str]:
    """Return the field that each public event of a service takes its key from; raises BadPublishing.

    Every event is published to a message of the service's own contract or not at all, and every message of the
    contract comes of an event.
    """
    types_of = {kind: name for name, kind in contract.items()}
    found: dict[str, set[str]] = {}
    for private, kind in events.items():
        told = publish(make_up(kind, itertools.count(1)))
        if told is None:
            continue
        message, key = told
        name = types_of.get(type(message))
        if name is None:
            raise BadPublishing(f"{service}: {private} becomes {type(message).__name__}, not of its own contract")
        fields = {field.name for field in dataclasses.fields(contract[name]) if getattr(message, field.name) == key}
        if not fields:
            raise BadPublishing(f"{service}: the key of {name} is in none of its fields: no reader could find it")
        if found.setdefault(name, fields) != fields:
            raise BadPublishing(f"{service}: {name} has its key now from {found[name]}, now from {fields}")
    if silent := contract.keys() - found.keys():
        raise BadPublishing(f"{service}: nothing becomes {', '.join(sorted(silent))}")
    return {name: min(fields) for name, fields in found.items()}


def contract_of(producer: str) -> dict[str, type]:
    """Return the public events of a producer."""
    messages: dict[str, type] = importlib.import_module(f"shared.contracts.{producer}").MESSAGES
    return messages


def all_keys() -> dict[str, str]:
    """Return wire name -> field of the key, of all public events; raises BadPublishing."""
    keys: dict[str, str] = {}
    for producer in PRODUCERS:
        keys |= keys_of(producer, private_events(producer), publish_of(producer), contract_of(producer))
    return keys
