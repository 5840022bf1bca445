"""The AsyncAPI 3.0 document of all topics, out of the schemas and samples."""

import json
from collections.abc import Mapping
from typing import Any

from shared.contracts.catalogue import PRODUCERS
from shared.messaging.topics import PARTITIONS, topic_name
from tests.contracts.document import PREFIX, words_of
from tests.contracts.headers import NAME as ENVELOPE
from tests.contracts.schemas import Schema


def asyncapi(schemas: Mapping[str, Schema], samples: Mapping[str, str]) -> dict[str, Any]:
    """Return the document."""
    parts: dict[str, Schema] = {"Headers": _plain(schemas[ENVELOPE], "Headers", {})}
    messages = {
        name: _message(name, schema, json.loads(samples[name]), parts)
        for name, schema in schemas.items()
        if name != ENVELOPE
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sponsio events",
            "version": "1",
            "description": "All public events, one topic per producing service. How to read them: docs/events.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {producer: _channel(producer, messages) for producer in PRODUCERS},
        "operations": {
            f"{producer}-publishes": {"action": "send", "channel": {"$ref": f"#/channels/{producer}"}}
            for producer in PRODUCERS
        },
        "components": {"messages": messages, "schemas": parts},
    }


def _channel(producer: str, messages: Mapping[str, Any]) -> dict[str, Any]:
    topic = topic_name(PREFIX, producer)
    return {
        "address": topic,
        "title": producer,
        "description": words_of(producer),
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"} for name in messages if name.split(".")[0] == producer
        },
        "bindings": {
            "kafka": {
                "topic": topic,
                "partitions": PARTITIONS,
                "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": -1, "retention.bytes": -1},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _message(name: str, schema: Schema, sample: Any, parts: dict[str, Schema]) -> dict[str, Any]:
    key = schema["x-key"]
    return {
        "name": name,
        "title": name,
        "summary": schema["description"],
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": _plain(schema, name, parts),
        "correlationId": {"location": "$message.header#/ce_correlationid"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "format": "uuid", "description": f"`{key}`"},
                "bindingVersion": "0.5.0",
            }
        },
        "examples": [{"payload": sample}],
    }


def _plain(schema: Schema, name: str, parts: dict[str, Schema]) -> Schema:
    """Return a schema in AsyncAPI's own dialect, which has one place for what is referred to: `parts`."""
    for part, inner in schema.get("$defs", {}).items():
        parts[f"{name}.{part}"] = _refer(inner, name)
    kept = {word: value for word, value in schema.items() if word not in ("$schema", "$id", "$defs", "x-key")}
    plain: Schema = _refer(kept, name)
    return plain


def _refer(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {word: _refer(part, name) for word, part in value.items()}
    if isinstance(value, list):
        return [_refer(part, name) for part in value]
    if isinstance(value, str) and value.startswith("#/$defs/"):
        return f"#/components/schemas/{name}.{value.removeprefix('#/$defs/')}"
    return value
