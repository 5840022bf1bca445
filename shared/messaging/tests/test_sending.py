"""Sending: in order, whole, in as many batches as it takes; on a real Kafka."""

from collections.abc import AsyncIterator

import pytest

from shared.messaging.envelope import Outgoing
from shared.messaging.sending import BATCH_BYTES, Sender
from shared.messaging.tests.stage import records
from shared.messaging.topics import PARTITIONS
from shared.testing.infra import Infra


@pytest.fixture
async def sender(infra: Infra, topic: str) -> AsyncIterator[Sender]:
    made = Sender(infra.kafka, topic, "sender")
    await made.start()
    yield made
    await made.stop()


@pytest.mark.parametrize("size", [100, BATCH_BYTES // 3, BATCH_BYTES + 1])
async def test_what_fits_into_no_one_batch_arrives_in_order(
    sender: Sender, infra: Infra, topic: str, size: int
) -> None:
    sent = [
        Outgoing(number % PARTITIONS, number, b"key", b"%06d" % number + bytes(size), [("header", b"%d" % number)])
        for number in range(5 * PARTITIONS)
    ]
    await sender.send(sent)
    await sender.send([])
    await sender.send(sent[:1])
    found = await records(infra.kafka, topic)
    for partition in range(PARTITIONS):
        expected = [each for each in (*sent, sent[0]) if each.partition == partition]
        of_partition = sorted((raw for raw in found if raw.partition == partition), key=lambda raw: raw.offset)
        assert [(raw.key, raw.value) for raw in of_partition] == [(each.key, each.value) for each in expected]
        assert [list(raw.headers) for raw in of_partition] == [each.headers for each in expected]
