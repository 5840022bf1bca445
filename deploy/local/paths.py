"""Where things lie on this machine: below the ignored folder .local, save where root needs another place."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = Path(os.environ.get("SPONSIO_LOCAL", ROOT / ".local")).absolute()  # tests run a platform of their own
LOGS = LOCAL / "logs"
DATA = LOCAL / "data"  # of PostgreSQL and Kafka; `make reset` removes it
JARS = ROOT / ".local" / "jars"  # Kafka's, checked against jgo.lock.toml each time; `make reset` leaves them
SECRETS = LOCAL / "secrets"  # JSON, readable by its owner only
