"""The envelope: what is sent is what is received."""

from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from shared.messaging.envelope import Broken, Foreign, Received, outgoing, received

ROW: dict[str, Any] = {
    "position": 12, "id": "i", "stream": "jar-j", "version": 3, "recorded_at": datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
    "hash": b"\xab" * 32, "partition": 2, "number": 7, "message_key": "jär", "message_type": "jars.JarFilled.v1",
    "message": b'{"a":1}',
    "metadata": b'{"actor":"me","correlation_id":"c","causation_id":"b","on_behalf_of":"you","reason":"r",'
                b'"traceparent":"00-a-b-01"}',
}  # fmt: skip


def record(headers: list[tuple[str, Any]] | None = None, key: bytes | None = None) -> ConsumerRecord:
    message = outgoing("jars", "e", ROW)
    return ConsumerRecord(
        "t", 2, 99, 0, 0, message.key if key is None else key, message.value, None, 0, 0,
        tuple(message.headers if headers is None else headers),
    )  # fmt: skip


def headers(**changed: bytes | None) -> list[tuple[str, Any]]:
    kept = [(n, v) for n, v in outgoing("jars", "e", ROW).headers if n not in changed]
    return kept + [(n, v) for n, v in changed.items() if v is not None]


def test_a_message_survives_the_journey() -> None:
    assert received(record()) == Received(
        topic="t", partition=2, offset=99, epoch="e", number=7, position=12, chain="ab" * 32, id="i",
        type="jars.JarFilled.v1", key="jär", service="jars", time=datetime(2026, 1, 2, 3, 4, 5, 6, UTC), revision=3,
        subject="jar-j", actor="me", correlation_id="c", value=b'{"a":1}', on_behalf_of="you", reason="r",
        causation_id="b", traceparent="00-a-b-01",
    )  # fmt: skip


def test_the_headers_are_those_of_cloudevents() -> None:
    sent = dict(outgoing("jars", "e", ROW).headers)
    assert sent["ce_specversion"] == b"1.0"
    assert sent["ce_source"] == b"/sponsio/jars"
    assert sent["ce_time"] == b"2026-01-02T03:04:05.000006Z"
    assert sent["content-type"] == b"application/json"
    bare = outgoing("jars", "e", ROW | {"metadata": b'{"actor":"me","correlation_id":"c"}'})
    assert not {"ce_causationid", "ce_onbehalfof", "ce_reason", "traceparent"} & dict(bare.headers).keys()


@pytest.mark.parametrize(
    "bad",
    [
        headers(ce_type=None), headers(ce_time=b"yesterday"), headers(ce_actor=b"\xff"), headers(ce_position=b"x"),
        headers(ce_source=b"/elsewhere/jars"), headers(ce_type=b"a\0b"),
        [*headers(ce_actor=None), ("ce_actor", None)],
    ],
)  # fmt: skip
def test_a_numbered_record_with_bad_headers_is_broken_in_its_place(bad: list[tuple[str, Any]]) -> None:
    item = received(record(bad))
    assert isinstance(item, Broken)
    assert (item.epoch, item.number, item.key, item.value) == ("e", 7, "jär", b'{"a":1}')


def test_a_key_that_is_no_text_is_broken() -> None:
    item = received(record(key=b"\xff\x00"))
    assert isinstance(item, Broken)
    assert "\0" not in item.key


@pytest.mark.parametrize(
    "bad",
    [[], headers(ce_number=None), headers(ce_number=b"x"), headers(ce_number=b"0"), headers(ce_epoch=b"\xff")],
)
def test_a_record_without_a_number_is_foreign(bad: list[tuple[str, Any]]) -> None:
    with pytest.raises(Foreign):
        received(record(bad))
