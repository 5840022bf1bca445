"""What an operator does to one deciding service: verify it, send its messages again, try again what is parked."""

from collections.abc import Sequence

from shared.eventstore import chain
from shared.messaging.audit import audit
from shared.messaging.parking import request_replay
from shared.messaging.relay import request_republish
from shared.messaging.topics import topic_name
from shared.roles.definition import Definition, Runtime, Verb


def operators_verbs(definition: Definition) -> dict[str, Verb]:
    """Return the verbs that every deciding service has."""

    async def verify(runtime: Runtime, arguments: Sequence[str]) -> str:
        """Verify the hash chain, what Kafka holds against the store, and what else must be true of this service."""
        connection = await runtime.database.connect()
        try:
            intact = await chain.verify(connection)
        finally:
            connection.terminate()
        settings = runtime.settings
        topic = topic_name(settings.topic_prefix, runtime.service)
        published = await audit(runtime.database, settings.need("kafka_bootstrap"), topic, runtime.service)
        found = [
            f"{runtime.service}: {intact.events} events, the chain is intact up to {intact.hash.hex()[:16]}",
            f"{runtime.service}: {published} messages in Kafka equal the store",
        ]
        found += [f"{runtime.service}: {await check(runtime.database)}" for check in definition.audits]
        return "\n".join(found)

    async def replay(runtime: Runtime, arguments: Sequence[str]) -> str:
        """Have the running worker try again what is parked."""
        await request_replay(runtime.database, "processes")
        left = await runtime.database.fetchval("SELECT count(*) FROM parked")
        return f"asked the worker to try {left} parked messages again"

    async def republish(runtime: Runtime, arguments: Sequence[str]) -> str:
        """Have the relay send a partition again: PARTITION FROM_NUMBER. Readers drop what they have seen."""
        partition, number = (int(argument) for argument in arguments)
        await request_republish(runtime.database, partition, number)
        return f"asked the relay to send partition {partition} again from number {number}"

    return {"verify": verify, "replay": replay, "republish": republish}
