"""What runs at this moment, written down by `make run` for every other command and readable by its owner only."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.local.paths import LOCAL
from deploy.local.trouble import Trouble

FILE = LOCAL / "running.json"
LOCK = LOCAL / "run"  # the folder whose lock a running platform holds


@dataclass
class Running:
    """The addresses of a running platform; the database addresses are those of the serving roles."""

    supervisor: int
    gateway_url: str
    kafka: str
    topic_prefix: str
    postgres_admin_url: str
    admin_email: str
    admin_password: str
    database_urls: dict[str, str]
    ready_urls: dict[str, str]  # process name -> its /readyz
    settings: dict[str, dict[str, str]] = field(default_factory=dict)  # service -> environment of its verbs
    ready: bool = False

    def write(self, file: Path = FILE) -> None:
        """Replace the file as a whole."""
        unfinished = file.with_name(file.name + ".unfinished")
        unfinished.unlink(missing_ok=True)
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            json.dump(asdict(self), opened, indent=1)
        unfinished.replace(file)


def supervisor() -> int | None:
    """Return the process id of this folder's `make run`, None where there is none: the lock tells, not the file."""
    try:
        with (LOCK / "lock").open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(lock.read() or 0)
    except FileNotFoundError:
        pass
    return None


def load() -> Running:
    """Return the running platform of this folder; Trouble where there is none."""
    if supervisor() is None or not FILE.exists():
        raise Trouble("Sponsio does not run from this folder: start it with `make run`")
    return Running(**json.loads(FILE.read_text()))
