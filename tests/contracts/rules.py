"""What every event must keep to, as functions that return a sentence for each fault."""

import dataclasses
import re
from collections.abc import Iterable, Mapping

import msgspec

from shared.eventstore.codec import Codec, Undecodable, UnknownType
from tests.contracts.schemas import Schema, records_in

#: Verbs whose past tense is none on "ed".
IRREGULAR = {"Fell", "Given", "Held", "Left", "Paid", "Sent", "Spent", "Withdrawn"}

WIRE_NAME = re.compile(r"([a-z]+)\.((?:[A-Z][a-z]+)+)\.v[1-9][0-9]*")

#: A word of a field's name that ends like this smells of a person or of private text.
PERSONAL = re.compile(r".*(name|e?mail|phone|bio|message|note|review|handle|address)(e?s)?")
NOT_PERSONAL = {"review_by"}  # until when to review


def misnamed(producer: str, events: Mapping[str, type]) -> list[str]:
    """Find wire names that are not `<producer>.<PastTenseName>.v<n>`, or stand beside another record."""
    faults = []
    for name, kind in events.items():
        match = WIRE_NAME.fullmatch(name)
        if match is None:
            faults.append(f"{name} is not written `<producer>.<PastTenseName>.v<n>`")
            continue
        words = re.findall(r"[A-Z][a-z]+", match[2])
        if match[1] != producer:
            faults.append(f"{name} does not begin with its producer: {producer}")
        if not any(word.endswith("ed") or word in IRREGULAR for word in words):
            faults.append(f"{name} is not in the past tense (a verb not on -ed: add it to IRREGULAR)")
        if not kind.__name__.startswith(match[2]):
            faults.append(f"{name} stands for {kind.__name__}")
    for kind in {kind for kind in events.values() if list(events.values()).count(kind) > 1}:
        faults.append(f"{kind.__name__} has more than one wire name")
    return faults


def personal(events: Iterable[type]) -> list[str]:
    """Find fields, at any depth, that smell personal: an event can never be erased."""
    return [
        f"{kind.__name__}: {part.__name__}.{field.name} smells personal, and an event can never be erased: keep it "
        f"in a table of its owner"
        for kind in events
        for part in records_in(kind)
        for field in dataclasses.fields(part)
        if field.name not in NOT_PERSONAL and any(map(PERSONAL.fullmatch, field.name.lower().split("_")))
    ]


def unregistered(module: Iterable[object], messages: Mapping[str, type]) -> list[str]:
    """Find records of a contract module that are neither in MESSAGES nor part of what is."""
    known = {part for kind in messages.values() for part in records_in(kind)}
    return [
        f"{each.__name__} is in no MESSAGES"
        for each in module
        if isinstance(each, type) and dataclasses.is_dataclass(each) and each not in known
    ]


def undescribed(schemas: Mapping[str, Schema]) -> list[str]:
    """Find events that do not say in words what happened."""
    return [f"{name} has no docstring" for name, schema in schemas.items() if not schema.get("description", "")]


def unstable(name: str, sample: str, codec: Codec) -> list[str]:
    """Find out whether a sample, read and written again, is not the same bytes."""
    wire = msgspec.json.format(sample, indent=-1).encode()
    try:
        again = codec.encode(codec.decode(name, wire))
    except (UnknownType, Undecodable) as problem:
        return [f"the sample of {name} cannot be read: {problem}"]
    return [] if again == (name, wire) else [f"the sample of {name} is written as {again[0]} {again[1].decode()}"]
