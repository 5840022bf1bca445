"""The PostgreSQL that benches measure on: the embedded one, durable as in production, in a folder of its own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import ports, postgres
from deploy.local.fresh import Databases, FreshDatabase
from deploy.local.infra import Infra
from deploy.local.paths import LOCAL
from shared.testing.infra import apply_store_ddl


@contextmanager
def databases() -> Iterator[Databases]:
    """Start a server and yield what makes databases on it; nothing is left of it afterwards."""
    LOCAL.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=LOCAL))
    folder.chmod(0o755)  # PostgreSQL runs as another user where root starts it
    try:
        port = ports.any_free()
        child = postgres.start(folder, port, folder / "postgres.log")
        try:
            yield Databases(Infra("embedded", "", postgres.admin_url(folder, port)), "bench")
        finally:
            child.stop()
    finally:
        postgres.remove(folder)
        shutil.rmtree(folder, ignore_errors=True)


def store(made: Databases) -> FreshDatabase:
    """Return a database with an empty event store."""
    return made.fresh("store", apply_store_ddl)
