"""Opening: a Kafka record as the message that it is, or as what is wrong with it.

Nearly every record has its headers in the order in which `outgoing` writes them, and is opened by place, in three
quarters of the time. All others are opened by name, which also finds out what is wrong.
"""

from datetime import UTC, datetime
from typing import Any

from shared.messaging.envelope import SOURCE, Broken, Content, Item, Raw, Received, place_of

_ORDER = (
    "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "content-type", "ce_epoch", "ce_number",
    "ce_position", "ce_chain", "ce_revision", "ce_correlationid",
)  # fmt: skip
_THEN = frozenset({"ce_causationid", "ce_actor", "ce_onbehalfof", "ce_reason", "traceparent"})

_WRONG = (KeyError, ValueError, AttributeError, OverflowError)


def received(raw: Raw) -> Item:
    """Return the message of a record, or what is wrong with it. Raises Foreign where it has no place."""
    return opened(raw.topic, raw.partition, raw)


def opened(topic: str, partition: int, raw: Content) -> Item:
    """Return the message of a record of that partition, or what is wrong with it; raises Foreign as `received` does."""
    try:
        return by_place(topic, partition, raw)
    except (*_WRONG, TypeError):
        return by_name(topic, partition, raw)


def by_place(topic: str, partition: int, raw: Content) -> Received:
    """Return the message of a record whose headers are in our order; raises something where they are not."""
    sent: Any = raw.headers  # each value is bytes until it is decoded
    (
        (a, version), (b, id), (c, source), (d, kind), (e, time), (f, subject), (g, content), (h, epoch), (i, number),
        (j, position), (k, chain), (m, revision), (n, correlation), *others,
    ) = sent  # fmt: skip
    text = {name: value.decode() for name, value in others}
    if (a, b, c, d, e, f, g, h, i, j, k, m, n) != _ORDER or not _THEN.issuperset(text):
        raise ValueError("the headers are in another order")
    if version != b"1.0" or content != b"application/json":
        raise ValueError("not as we write it")
    number, kind, key = int(number), kind.decode(), (raw.key or b"").decode()
    epoch, source = epoch.decode(), source.decode()
    _check(epoch, number, kind, key, source)
    # By place, in the order of the fields: naming twenty takes a quarter of the time for all of this.
    return Received(
        topic, partition, raw.offset, epoch, number, int(position), chain.decode(), id.decode(), kind, key,
        source.removeprefix(SOURCE), _utc(time.decode()), int(revision), subject.decode(), text["ce_actor"],
        correlation.decode(), raw.value or b"", text.get("ce_onbehalfof"), text.get("ce_reason"),
        text.get("ce_causationid"), text.get("traceparent"),
    )  # fmt: skip


def by_name(topic: str, partition: int, raw: Content) -> Item:
    """Return the message of a record, whatever the order of its headers, or what is wrong with it."""
    try:
        text = {name: value.decode() for name, value in raw.headers}
        epoch, number, kind, source = text["ce_epoch"], int(text["ce_number"]), text["ce_type"], text["ce_source"]
        key = (raw.key or b"").decode()
        _check(epoch, number, kind, key, source)
        return Received(
            topic, partition, raw.offset, epoch, number, int(text["ce_position"]), text["ce_chain"],
            text["ce_id"], kind, key, source.removeprefix(SOURCE), _utc(text["ce_time"]), int(text["ce_revision"]),
            text["ce_subject"], text["ce_actor"], text["ce_correlationid"], raw.value or b"",
            text.get("ce_onbehalfof"), text.get("ce_reason"), text.get("ce_causationid"), text.get("traceparent"),
        )  # fmt: skip
    except _WRONG as problem:
        epoch, number = place_of(topic, partition, raw)
        headers = tuple((name, (value or b"").decode("latin-1")) for name, value in raw.headers)
        return Broken(
            topic=topic,
            partition=partition,
            offset=raw.offset,
            epoch=epoch,
            number=number,
            key=(raw.key or b"").decode(errors="replace").replace("\0", "�"),
            type=dict(headers).get("ce_type", "").replace("\0", "�"),
            value=raw.value or b"",
            headers=headers,
            error=f"{type(problem).__name__}: {problem}",
        )


def _check(epoch: str, number: int, kind: str, key: str, source: str) -> None:
    """Raise ValueError for what no message has."""
    if not epoch or number < 1:
        raise ValueError("no epoch and number")
    if not source.startswith(SOURCE):
        raise ValueError(f"ce_source is {source}")
    if "\0" in key or "\0" in kind:
        raise ValueError("key or ce_type holds a NUL")


def _utc(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo is UTC else time.astimezone(UTC)
