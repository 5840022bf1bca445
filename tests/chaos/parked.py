"""The order of a key behind what is parked: a process or projection takes nothing of it until that is taken."""

from importlib import import_module
from typing import Any

import asyncpg

from deploy.local.plan import PRODUCERS
from deploy.local.running import Running
from shared.contracts.catalogue import MESSAGES
from shared.eventstore.codec import Codec
from shared.messaging.topics import topic_name
from tests.chaos.checks import Broken, ask

#: The first number that is parked of each key for each unit, and how far its consumer has come.
PARKED = """
SELECT p.unit, p.topic, p.partition, p.key, min(p.number) AS first, c.number AS last, array_agg(p.number) AS numbers
  FROM parked p JOIN checkpoints c USING (consumer, topic, partition)
 GROUP BY p.unit, p.topic, p.partition, p.key, c.number"""
FOLLOWING = """
SELECT number, message_type, message::text AS message FROM events
 WHERE partition = $1 AND message_key = $2 AND number > $3 AND number <= $4 AND number <> ALL ($5) ORDER BY number"""


async def in_order(state: Running) -> str:
    """Behind what is parked for a process or projection, all that it takes of the same key is parked too."""
    producers = {topic_name(state.topic_prefix, producer): producer for producer in PRODUCERS}
    keys = 0
    for service in state.database_urls:
        for row in await ask(state, service, PARKED):
            keys += 1
            [unit] = [unit for unit in units(service) if row["unit"] == unit.NAME]
            place = (row["partition"], row["key"], row["first"], row["last"], row["numbers"])
            for behind in await ask(state, producers[row["topic"]], FOLLOWING, *place):
                if concerns(unit, behind):
                    what = f"{row['unit']} of {service} took number {behind['number']} of key {row['key']}"
                    raise Broken("parked-order", f"{what}, though number {row['first']} is parked for it")
    return f"{keys} parked keys hold what follows them"


def units(service: str) -> tuple[Any, ...]:
    """Return the projections of the gateway, or the processes of another service."""
    if service == "gateway":
        projections: tuple[Any, ...] = import_module("services.gateway.consumers").PROJECTIONS
        return projections
    processes: tuple[Any, ...] = import_module(f"services.{service}.main").DEFINITION.processes
    return processes


def concerns(unit: Any, row: asyncpg.Record) -> bool:
    """Tell whether a unit takes a message: a process all that it listens to, a projection what changes a row."""
    kind = MESSAGES[row["message_type"]]
    if kind not in unit.LISTENS:
        return False
    return not hasattr(unit, "keys") or bool(unit.keys(Codec(MESSAGES).decode(row["message_type"], row["message"])))
