"""Checks the tables of a service's README against its code."""

import re
from collections.abc import Iterable
from pathlib import Path

from shared.kernel.rejected import Rejected

NAME = re.compile(r"`(\w+)`")
CODE = re.compile(r"`([a-z]+(?:-[a-z]+)+)`")


class Readme:
    """A README by its sections; a cell's names stand in back quotes."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text()
        self._sections = dict(part.split("\n", 1) for part in self.text.split("\n## ")[1:])

    def names(self, section: str, column: int) -> set[str]:
        """Return all names in one column (from 0) of a section's table."""
        rows = [line.split("|")[1:-1] for line in self._sections[section].splitlines() if line.startswith("|")]
        return {name for row in rows[2:] for name in NAME.findall(row[column])}

    def codes(self) -> set[str]:
        """Return all refusal codes that are named anywhere."""
        return set(CODE.findall(self.text))


def names_of(types: Iterable[type]) -> set[str]:
    """Return the names of commands, events or messages."""
    return {each.__name__ for each in types}


def codes_of(modules: Iterable[object]) -> set[str]:
    """Return the codes of all refusals that the modules define."""
    values = (value for module in modules for value in vars(module).values())
    return {value.code for value in values if isinstance(value, type) and issubclass(value, Rejected)} - {Rejected.code}
