"""A relay in a process of its own, which a test may kill or freeze: `database-url topic bootstrap`."""

import asyncio
import sys

from shared.eventstore.database import Database
from shared.messaging.relay import Relay


async def main(url: str, topic: str, bootstrap: str) -> None:
    database = await Database.open(url)
    await Relay(database, "jars", topic, bootstrap, batch=5).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
