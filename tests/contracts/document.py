"""The page of all public events, for those who read the topics: docs/events.md, out of the schemas."""

import importlib
import inspect
from collections.abc import Iterable, Iterator, Mapping

from shared.contracts.catalogue import PRODUCERS
from shared.messaging.topics import PARTITIONS, topic_name
from tests.contracts.headers import NAME as ENVELOPE
from tests.contracts.schemas import Schema, type_text

PREFIX = "sponsio"
GOLDEN = "../shared/contracts/golden"

INTRODUCTION = f"""\
# Events

<!-- Generated from shared/contracts by `make contracts`: change the contracts, not this page. -->

Everything that happens on Sponsio is told once, as an event on Kafka, and kept without limit: whoever begins at the
first message knows everything. There is one topic per producing service, `<prefix>.<service>.1`; the prefix is
`{PREFIX}` unless `TOPIC_PREFIX` says otherwise. The same as AsyncAPI 3.0: [asyncapi.json](asyncapi.json).

* A message's **value** is the event as JSON; its **headers** say what it is (`ce_type`) and where it stands.
* `ce_type` ends with a version, whose fields never change: a change is a new type, and what was published before
  stays in the topic as it is. Let types, fields and headers pass that you do not know.
* Times are UTC (RFC 3339). Amounts are integers in minor units (cents for EUR, whole yen for JPY) of the `currency`
  beside them. Ids are UUIDv7. Where a field lists its codes, further ones may join.
* Nothing personal is in any event: names, contact data and private words stay with the service that owns them, where
  they can be erased.

## Read from number 1, and miss nothing

Delivery is at least once: a relay that takes over, a rebalance or a `republish` sends or shows messages again, at
other offsets. The headers `ce_epoch` and `ce_number` tell: on each partition the numbers are 1, 2, 3, ... without a
hole. So keep *(epoch, number)* of the last message per topic and partition, **in the same transaction as what you
make of the messages**, and Kafka's own offset only as a hint where to go on.

| the message's number is | then |
|---|---|
| last + 1 (1 at the very beginning) | take it |
| last or less | it came before: skip it |
| more than last + 1 | a gap: seek back to behind the last message taken, then once to the beginning; \
if the number stays missing, take nothing more of this partition and raise an alarm |
| of another epoch | the producer's store was restored: treat it as a gap until somebody has decided; \
then what the earlier epoch has from the first number of the new one on is lost, and the new epoch goes on there. \
Epochs are UUIDv7: a later one is greater |

```python
class Missing(Exception):
    \"\"\"Seek back; if it is still missing then, stop and raise an alarm.\"\"\"


def is_new(last: dict[tuple[str, int], tuple[str, int]], topic: str, partition: int, headers: dict[str, bytes]) -> bool:
    \"\"\"Tell whether to take a message, and note it in `last`; False: it came before. Raises Missing.\"\"\"
    epoch, number = headers["ce_epoch"].decode(), int(headers["ce_number"])
    known, before = last.get((topic, partition), (epoch, 0))
    if epoch != known or number > before + 1:
        raise Missing(f"{{topic}}[{{partition}}]: {{number}} of {{epoch}} comes after {{before}} of {{known}}")
    if number <= before:
        return False
    last[topic, partition] = (epoch, number)
    return True
```

* Start with `auto.offset.reset=earliest` and auto-commit off. A topic has {PARTITIONS} partitions for ever; should it
  ever be outgrown, the next generation (`<prefix>.<service>.2`) begins after the old one has ended.
* **Order holds per key only** (the column *key*): a key is always on partition CRC-32(key) mod {PARTITIONS}. Across
  keys and topics anything may come first: take a `DealFunded` before its `CampaignPublished`, and come to the same
  result.
* `previous` names the state that was left, so that counts per state need nothing but the message in hand.
* `ce_chain` at `ce_position` is what the producer's store must still hold there: whoever keeps one of them can tell
  later whether anything up to it was changed.
"""


def events_page(schemas: Mapping[str, Schema]) -> str:
    """Return the page; `schemas` holds every event by its wire name, and the envelope."""
    parts = [INTRODUCTION, "\n".join(_headers(schemas[ENVELOPE]))]
    for producer in PRODUCERS:
        own = {name: schema for name, schema in schemas.items() if name.split(".")[0] == producer}
        parts.append("\n".join(_topic(producer, own)))
    return "\n".join(parts)


def words_of(producer: str) -> str:
    """Return what the contract of a producer says about itself."""
    return inspect.cleandoc(importlib.import_module(f"shared.contracts.{producer}").__doc__ or "")


def _headers(schema: Schema) -> Iterator[str]:
    yield "## Headers\n"
    yield f"{schema['description']} [Schema]({GOLDEN}/{ENVELOPE}.schema.json),"
    yield f"[sample]({GOLDEN}/{ENVELOPE}.sample.json).\n"
    yield from _row("header", "type", "always", "says")
    yield from _row("---", "---", "---", "---")
    for name, field in schema["properties"].items():
        kind = f"`{field['const']}`" if "const" in field else type_text(field)
        yield from _row(
            f"`{name}`", kind, "yes" if name in schema["required"] else "where there is one", field["description"]
        )
    yield ""


def _topic(producer: str, schemas: Mapping[str, Schema]) -> Iterator[str]:
    yield f"## {topic_name(PREFIX, producer)}\n"
    yield words_of(producer) + "\n"
    yield from _row("event", "says", "key", "fields")
    yield from _row("---", "---", "---", "---")
    for name, schema in schemas.items():
        links = f"[schema]({GOLDEN}/{name}.schema.json) · [sample]({GOLDEN}/{name}.sample.json)"
        yield from _row(
            f"`{name}`<br>{links}", schema["description"], f"`{schema['x-key']}`", "<br>".join(_fields(schema))
        )
    yield ""


def _fields(schema: Schema, inside: str = "") -> Iterator[str]:
    parts = schema.get("$defs", {})
    for name, field in schema["properties"].items():
        words = f": {field['description']}" if "description" in field else ""
        yield f"`{inside}{name}` {type_text(field)}{words}"
        part = type_text(field).split()[-1]
        if part in parts:
            yield from _fields(parts[part], f"{name}[].")


def _row(*cells: str) -> Iterable[str]:
    return ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"]
