"""JSON Schemas (2020-12) of the public events, out of their records, docstrings and comments."""

import ast
import dataclasses
import inspect
import io
import sys
import tokenize
import typing
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
HOME = "https://sponsio.dev/contracts/"

Schema = dict[str, Any]


def schema_of(wire_name: str, kind: type, key: str) -> Schema:
    """Return the schema of a public event; `key` is the field that holds its routing key (keyword `x-key`)."""
    _, components = msgspec.json.schema_components([kind])
    for each in records_in(kind):
        _complete(components[each.__name__], each)
    schema = {
        "$schema": DIALECT,
        "$id": f"{HOME}{wire_name}.schema.json",
        "x-key": key,
        **components.pop(kind.__name__),
    }
    return schema | {"title": wire_name} | ({"$defs": components} if components else {})


def _complete(schema: Schema, kind: type) -> None:
    """Add what the types do not say; readers are told to let fields pass that they do not know."""
    schema["additionalProperties"] = True
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split())
    told, hints = comments(kind), typing.get_type_hints(kind)
    for name, field in schema["properties"].items():
        words = [told[name]] if name in told else []
        for one in field.get("anyOf", [field]):
            if one.get("type") == "string" and datetime in (hints[name], *typing.get_args(hints[name])):
                one["format"] = "date-time"
            if one.get("type") == "string" and name.endswith("_id"):
                one["format"] = "uuid"
            if one.get("type") == "string" and name == "currency":
                one["pattern"] = "^[A-Z]{3}$"
        if name == "currency":
            words.append("ISO 4217")
        elif name.endswith("_minor"):
            words.append("in minor units of `currency`")
        if words:
            field["description"] = "; ".join(words)


def records_in(kind: Any) -> Iterator[type]:
    """Yield a record and all records inside of it."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        yield kind
        for part in typing.get_type_hints(kind).values():
            yield from records_in(part)
    for part in typing.get_args(kind):
        yield from records_in(part)


def comments(kind: type) -> dict[str, str]:
    """Return the comment beside each field, or the first that a field of the same name has further up in the module."""
    found: dict[str, str] = {}
    for name, fields in _comments_of(kind.__module__):
        if name == kind.__name__:
            return {
                field.name: text for field in dataclasses.fields(kind) if (text := (found | fields).get(field.name))
            }
        found = fields | found
    return {}


@cache
def _comments_of(module: str) -> tuple[tuple[str, dict[str, str]], ...]:
    source = inspect.getsource(sys.modules[module])
    beside = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    return tuple(
        (
            node.name,
            {
                field.target.id: beside[field.lineno]
                for field in node.body
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and field.lineno in beside
            },
        )
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
    )


def type_text(field: Schema) -> str:
    """Return the type of a field in a few words."""
    if "anyOf" in field:
        return " or ".join(type_text(one) for one in field["anyOf"])
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if field["type"] == "array":
        return f"list of {type_text(field['items'])}"
    return str(field.get("format", field["type"]))
