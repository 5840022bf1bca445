"""Where things lie on this machine: below the ignored folder .local, save where root needs another place."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
LOGS = LOCAL / "logs"
DATA = LOCAL / "data"  # of PostgreSQL and Kafka; `make reset` removes it
JARS = LOCAL / "jars"  # Kafka's, checked against jgo.lock.toml each time; `make reset` leaves them
SECRETS = LOCAL / "secrets"  # JSON, readable by its owner only
