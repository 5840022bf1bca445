"""The PostgreSQL that benches measure on: the embedded one, durable as in production, in a folder of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from deploy.local import ports, postgres, scratch
from deploy.local.fresh import Databases, FreshDatabase
from deploy.local.infra import Infra
from shared.testing.infra import apply_store_ddl


@contextmanager
def databases() -> Iterator[Databases]:
    """Start a server and yield what makes databases on it; nothing is left of it afterwards."""
    folder = scratch.make("bench")
    try:
        port = ports.any_free()
        child = postgres.start(folder, port, folder / "postgres.log")
        try:
            yield Databases(Infra("embedded", "", postgres.admin_url(folder, port)), "bench")
        finally:
            child.stop()
    finally:
        scratch.remove(folder)


def store(made: Databases) -> FreshDatabase:
    """Return a database with an empty event store."""
    return made.fresh("store", apply_store_ddl)
