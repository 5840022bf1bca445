"""Folders for what is thrown away afterwards: servers of a bench, a platform that is to be killed."""

import shutil
import tempfile
from pathlib import Path

from deploy.local import postgres
from deploy.local.paths import LOCAL


def make(purpose: str) -> Path:
    """Return a new folder that bears its purpose in its name."""
    LOCAL.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=LOCAL))
    folder.chmod(0o755)  # PostgreSQL runs as another user where root starts it
    return folder


def remove(folder: Path) -> None:
    """Remove the folder with the data of a server or of a platform in it, wherever they lie; they must have stopped."""
    for data in (folder, folder / "data"):
        postgres.remove(data)
    shutil.rmtree(folder, ignore_errors=True)
