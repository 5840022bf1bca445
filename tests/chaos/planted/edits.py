"""Edits: a stretch of the product's text and what a fault puts in its place, done to a copy of the tree alone."""

import shutil
from pathlib import Path

from shared.kernel.record import record

#: All that a run needs of the tree.
COPIED = ("deploy", "services", "shared", "tests")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".mypy_cache", ".ruff_cache")


class Stale(Exception):
    """The product has moved on: an edit does not find its place, or finds it more than once."""


@record
class Edit:
    """`old` stands exactly once in `file`, a path below the root."""

    file: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        """Return the text of the file with the edit done to it; raises Stale."""
        found = text.count(self.old)
        if found != 1:
            raise Stale(f"{self.file} holds this {found} times instead of once; aim the edit anew:\n{self.old}")
        return text.replace(self.old, self.new)


def apply(root: Path, edits: tuple[Edit, ...]) -> None:
    """Do the edits to the tree below `root`, in order; raises Stale."""
    for edit in edits:
        file = root / edit.file
        file.write_text(edit.applied(file.read_text()))


def copy(root: Path, to: Path) -> None:
    """Copy what a run needs of the tree. The jars of Kafka are not copied, they lie where they are."""
    for folder in COPIED:
        shutil.copytree(root / folder, to / folder, ignore=LEFT_OUT)
    shutil.copy(root / "pyproject.toml", to)
    (to / ".local").mkdir()
    (to / ".local" / "jars").symlink_to(root / ".local" / "jars")


def without(services: frozenset[str]) -> Edit:
    """Return the edit that puts stand-ins in the place of services: a platform starts in half the time then."""
    program = 'f"services.{unit.service}.main",\n        unit.role,\n'
    stand_in = '("deploy.local.tests.stand_in", str(unit.port), "")'
    either = f"*({stand_in} if unit.service in {tuple(sorted(services))} else ({program.strip()})),\n"
    return Edit("deploy/local/platform.py", f"        {program}", f"        {either}")


#: Locks are held on purpose: on a slow machine nobody is to give up on them sooner than on any other statement.
PATIENT = Edit(
    "deploy/local/databases.py",
    '    "statement_timeout": "30s",\n    "lock_timeout": "10s",\n',
    '    "statement_timeout": "30s",\n    "lock_timeout": "30s",\n',
)
