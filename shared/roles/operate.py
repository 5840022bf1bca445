"""What an operator does to one deciding service: verify it, send its messages again, try again what is parked."""

from collections.abc import Sequence

from shared.contracts.catalogue import MESSAGES
from shared.eventstore import chain
from shared.eventstore.database import Database
from shared.messaging import restoring
from shared.messaging.audit import audit
from shared.messaging.parking import request_replay
from shared.messaging.republishing import request_republish
from shared.messaging.topics import topic_name
from shared.messaging.turns import Turn
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

    async def restored(runtime: Runtime, arguments: Sequence[str]) -> str:
        """Begin another epoch: the database was restored and lacks what Kafka holds. Says what to tell readers."""
        topic = topic_name(runtime.settings.topic_prefix, runtime.service)
        begun = await restoring.begin(runtime.database, runtime.settings.need("kafka_bootstrap"), topic)
        return (
            f"{runtime.service}: {begun.lost} messages in Kafka are lost; the store goes on in another epoch\n"
            f"every reader must be told: adopt {runtime.service} {begun.turn}"
        )

    async def adopt(runtime: Runtime, arguments: Sequence[str]) -> str:
        """Go on with the epoch of a restored service: SERVICE EPOCH NUMBERS, as its `restored` has said."""
        return await adopted(runtime.service, runtime.database, runtime.settings.topic_prefix, arguments)

    return {"verify": verify, "replay": replay, "republish": republish, "restored": restored, "adopt": adopt}


async def adopted(service: str, database: Database, prefix: str, arguments: Sequence[str]) -> str:
    """Adopt for `service` what the arguments say, and tell who had taken what is lost; raises ValueError."""
    if len(arguments) != 3:
        raise ValueError("adopt needs SERVICE EPOCH NUMBERS")
    restored, *turn = arguments
    services = sorted({name.partition(".")[0] for name in MESSAGES})
    if restored not in services:
        raise ValueError(f"{restored} is none of {', '.join(services)}")
    stood = await restoring.adopt(database, topic_name(prefix, restored), Turn.parse(*turn))
    taken = f"had taken lost messages: {', '.join(stood)}" if stood else "nobody had taken what is lost"
    return f"{service}: goes on with {restored}; {taken}"
