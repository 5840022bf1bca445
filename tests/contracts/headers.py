"""The envelope as JSON Schema and sample: which headers there are is asked of `outgoing`, which writes them."""

from hashlib import sha256
from typing import Any

import msgspec

from shared.kernel.routing import partition_of
from shared.messaging.envelope import outgoing
from tests.contracts.samples import BARE_METADATA, CAMPAIGN, FULL_METADATA, at, id_of
from tests.contracts.schemas import DIALECT, HOME, Schema

NAME = "envelope"

_COUNTED = "^[1-9][0-9]*$"

#: What each header says, and how it is written.
HEADERS: dict[str, Schema] = {
    "ce_specversion": {"const": "1.0", "description": "CloudEvents 1.0"},
    "ce_id": {"format": "uuid", "description": "the event; twice the same id is twice the same event"},
    "ce_source": {"pattern": "^/sponsio/[a-z]+$", "description": "the producer"},
    "ce_type": {
        "pattern": r"^[a-z]+\.[A-Z][A-Za-z]+\.v[1-9][0-9]*$",
        "description": "the event's wire name, its version included: it names the schema of the value",
    },
    "ce_time": {
        "format": "date-time",
        "description": "when it was recorded, UTC; never runs backwards in one producer",
    },
    "ce_subject": {"description": "the stream that it belongs to, in the producer's store"},
    "content-type": {"const": "application/json", "description": "of the value"},
    "ce_epoch": {
        "format": "uuid",
        "description": "the history that `ce_number` counts in; another one after a restore of the producer's store",
    },
    "ce_number": {"pattern": _COUNTED, "description": "on its partition of the topic: 1, 2, 3, ... without a hole"},
    "ce_position": {
        "pattern": _COUNTED,
        "description": "in the producer's store; it has holes, for not every event is published",
    },
    "ce_chain": {
        "pattern": "^[0-9a-f]{64}$",
        "description": "SHA-256 in hex over all of the producer's events up to this one",
    },
    "ce_revision": {"pattern": _COUNTED, "description": "of the subject: 1 for the first event of its stream"},
    "ce_correlationid": {"description": "the same for all that follows from one request"},
    "ce_actor": {"description": "who did it: an account id, or `system:` and the process or deadline"},
    "ce_causationid": {"description": "id of the event that led to this one"},
    "ce_onbehalfof": {"description": "account for which it was done, by staff or by a process of ours in its wake"},
    "ce_reason": {"description": "why, as a code: of staff, or `deadline`"},
    "traceparent": {"description": "W3C Trace Context"},
}


def written(metadata: dict[str, str]) -> dict[str, str]:
    """Return the headers that the relay writes for an event with this metadata."""
    digest = sha256(b"campaign").digest()
    row: dict[str, Any] = {
        "id": id_of("event", 9), "position": 1_207, "stream": f"campaign-{CAMPAIGN}", "version": 4,
        "recorded_at": at(9), "hash": digest, "partition": partition_of(CAMPAIGN), "number": 311,
        "message_key": CAMPAIGN, "message_type": "campaigns.CampaignCancelled.v1", "message": b"{}",
        "metadata": msgspec.json.encode(metadata),
    }  # fmt: skip
    sent = outgoing("campaigns", id_of("epoch", -30), row)
    return {name: value.decode() for name, value in sent.headers}


def envelope_sample() -> dict[str, str]:
    """Return all headers, as text."""
    return written(FULL_METADATA)


def envelope_schema() -> Schema:
    """Return the schema of the headers; raises KeyError for one that HEADERS says nothing about."""
    always = written(BARE_METADATA)
    return {
        "$schema": DIALECT,
        "$id": f"{HOME}{NAME}.schema.json",
        "title": "Headers of every message",
        "description": "CloudEvents 1.0, Kafka binary mode: all values are UTF-8 text. "
        "The record's key is the routing key, its value the event as JSON.",
        "type": "object",
        "properties": {name: {"type": "string", **HEADERS[name]} for name in envelope_sample()},
        "required": sorted(always),
        "additionalProperties": True,
    }
