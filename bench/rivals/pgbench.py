"""The limit: one bare INSERT per transaction, by PostgreSQL's own load generator.

The table has the columns and the indexes of `events`, and a row is as many bytes as one of ours, which the client sends
as parameters; nothing is checked, locked, chained or answered.
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg

from deploy.local.fresh import FreshDatabase
from deploy.local.postgres import pginstall

SCRIPT = """
INSERT INTO bare (position, id, stream, version, type, payload, metadata, recorded_at, hash,
                  partition, number, message_key, message_type, message)
SELECT n, lpad(n::text, 36, '0'), 'jar-' || lpad(n::text, 36, '0'), 1, '{type}', {payload}::text::json,
       {metadata}::text::json, now(),
       decode(repeat('a5', 32), 'hex'), 0, n, lpad(n::text, 36, '0'), '{type}', {payload}::text::json
FROM nextval('bare_position') AS n
"""


def prepare(database: FreshDatabase) -> None:
    """Make the bare table beside the store's own."""
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (LIKE events INCLUDING ALL)")
        connection.execute("CREATE SEQUENCE bare_position")


def inserts_per_second(
    database: FreshDatabase, script: Path, values: Mapping[str, str], clients: int, seconds: float
) -> float:
    """Insert with so many connections for so long; `values`: what the script names with a colon."""
    options = ["-n", "-M", "prepared", "-j", "2", "-c", str(clients), "-T", str(round(seconds)), "-f", str(script)]
    options += [f"--define={name}={value}" for name, value in values.items()]
    done = subprocess.run(
        [pginstall() / "bin" / "pgbench", *options, database.owner_url],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    return float(found[1])
