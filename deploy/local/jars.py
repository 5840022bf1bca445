"""The jars of Apache Kafka: fetched by the Maven resolver jgo as jgo.lock.toml names them, and checked by us each time.

`make lock` resolves jgo.toml into that list. Here nothing is resolved: each file is fetched by its name and compared
with its SHA-256 before it is taken, and again before each start.
"""

import hashlib
import logging
import os
import shutil
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.local.trouble import Trouble

LOCK = Path(__file__).with_name("jgo.lock.toml")


@dataclass(frozen=True)
class Jar:
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def locked() -> list[Jar]:
    """Return what the lock file names."""
    return [
        Jar(entry["groupId"], entry["artifactId"], entry["version"], entry["sha256"])
        for entry in tomllib.loads(LOCK.read_text())["dependencies"]
    ]


def provide(folder: Path, say: Callable[[str], None]) -> list[Path]:
    """Return the jars in `folder`, fetching what is missing; Trouble where one is not the one that we locked."""
    jars = locked()
    folder.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in jars if not (folder / jar.name).exists()]
    if missing:
        say(f"fetching Apache Kafka: {len(missing)} files, about 45 MB")
        _fetch(missing, folder)
    for jar in jars:
        file = folder / jar.name
        if _sha256(file) != jar.sha256:
            raise Trouble(
                f"{file} is not the file that {LOCK.name} names (its SHA-256 differs): remove it and try again"
            )
    return [folder / jar.name for jar in jars]


def _fetch(jars: list[Jar], folder: Path) -> None:
    from jgo.maven import MavenContext  # slow to import, and not needed once the jars are there

    logging.getLogger("jgo").setLevel(logging.ERROR)
    staging = folder / f"unfinished-{os.getpid()}"
    cache = Path(os.environ["M2_REPO"]) if "M2_REPO" in os.environ else None
    context = MavenContext(repo_cache=staging, local_repos=[cache] if cache else [], timeout=60)

    def fetch(jar: Jar) -> None:
        fetched = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        if _sha256(fetched) != jar.sha256:
            raise Trouble(
                f"what was fetched as {jar.name} is not the file that {LOCK.name} names (its SHA-256 differs)"
            )
        copy = staging / jar.name
        shutil.copyfile(fetched, copy)
        copy.rename(folder / jar.name)

    staging.mkdir(exist_ok=True)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(fetch, jars))
    except Trouble:
        raise
    except Exception as error:
        raise Trouble(f"Apache Kafka could not be fetched: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
