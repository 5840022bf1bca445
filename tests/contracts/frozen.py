"""What is published stays as it is: FROZEN lists the digest of every shape that readers rely on.

A shape is a schema without its words: texts may be made clearer, fields may not be changed. Headers are frozen one by
one, so that an optional one may join them.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from tests.contracts.headers import NAME as ENVELOPE
from tests.contracts.schemas import Schema

HEAD = """\
# What readers rely on: SHA-256 over each schema without its titles and descriptions.
# `make contracts` adds lines and never changes one: a later change is a new version.
"""


def shape(schema: Any) -> Any:
    """Return a schema without its words (a field that happens to be called `title` is none of them)."""
    if isinstance(schema, dict):
        return {
            name: shape(part)
            for name, part in schema.items()
            if not (name in ("title", "description") and isinstance(part, str))
        }
    return [shape(part) for part in schema] if isinstance(schema, list) else schema


def digests(schemas: Mapping[str, Schema]) -> dict[str, str]:
    """Return the digest of each event's shape and of each header's."""
    shapes: dict[str, Any] = {name: schema for name, schema in schemas.items() if name != ENVELOPE}
    if ENVELOPE in schemas:
        needed = schemas[ENVELOPE]["required"]
        for name, header in schemas[ENVELOPE]["properties"].items():
            shapes[f"{ENVELOPE}/{name}"] = [header, name in needed]
    return {name: _digest(shape(each)) for name, each in shapes.items()}


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def parse(text: str) -> dict[str, str]:
    """Return the frozen digests."""
    lines = (line.partition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: digest.strip() for name, _, digest in lines}


def render(digests: Mapping[str, str]) -> str:
    """Return the text of FROZEN."""
    return HEAD + "".join(f"{name} {digests[name]}\n" for name in sorted(digests))


def changed(frozen: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return a sentence for everything that was changed although it is frozen."""
    return [
        f"{name} is frozen, and its schema is {'not the same' if name in now else 'gone'}: a later change is a new "
        f"version, beside this one (only where nothing was ever published: take its line out of FROZEN)"
        for name, digest in sorted(frozen.items())
        if now.get(name) != digest
    ]
