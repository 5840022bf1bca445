"""House rules that no linter knows: each finds what breaks it in one file, and names the remedy."""

import ast
import contextlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {"node_modules", "dist", "__pycache__"}
HIDDEN_BUT_OURS = {".ci", ".github"}
TEXTS = {".py", ".md", ".toml", ".yml", ".yaml", ".json", ".sh", ".lock", ".sql", ".ts", ".vue", ".html", ".css", ""}


@dataclass(frozen=True)
class Rule:
    """`applies` tells from the path, `find` yields what is wrong, each with its line."""

    name: str
    remedy: str
    applies: Callable[[PurePosixPath], bool]
    find: Callable[[PurePosixPath, str], Iterator[str]]

    def broken_by(self, path: PurePosixPath, text: str) -> list[str]:
        if not self.applies(path):
            return []
        return [f"{path}:{found}: {self.name}. {self.remedy}" for found in self.find(path, text)]


def files() -> Iterator[tuple[PurePosixPath, str]]:
    """Yield every text file of the project with what it holds."""
    for folder, inside, names in os.walk(ROOT):
        inside[:] = sorted(
            name for name in inside if name in HIDDEN_BUT_OURS or not (name in SKIPPED or name[0] == ".")
        )
        for path in (Path(folder, name) for name in sorted(names)):
            if path.suffix in TEXTS:
                with contextlib.suppress(UnicodeDecodeError, FileNotFoundError):
                    yield PurePosixPath(path.relative_to(ROOT).as_posix()), path.read_text()


def is_python(path: PurePosixPath) -> bool:
    return path.suffix == ".py"


def is_code(path: PurePosixPath) -> bool:
    return path.suffix in (".py", ".ts", ".vue", ".sh", ".sql")


def is_pure(path: PurePosixPath) -> bool:
    """Tell whether a file is of the pure grammar: told time, ids and prices, never asking for them."""
    parts = path.parts
    return (
        is_python(path)
        and len(parts) > 2
        and parts[0] == "services"
        and (parts[2] in ("domain", "processes", "projections", "publishing.py"))
    )


def is_lock(path: PurePosixPath) -> bool:
    return path.suffix == ".lock" or path.name in ("jgo.lock.toml", "package-lock.json")


def lines(pattern: str) -> Callable[[PurePosixPath, str], Iterator[str]]:
    """Return a finder of the lines in which `pattern` occurs."""
    wanted = re.compile(pattern)

    def find(path: PurePosixPath, text: str) -> Iterator[str]:
        for number, line in enumerate(text.splitlines(), 1):
            if found := wanted.search(line):
                yield f"{number}: {found.group().strip()}"

    return find


def imports(text: str) -> Iterator[tuple[int, str]]:
    """Yield every imported name with its line: `from a import b` gives `a.b`."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


#: What differs from call to call: the same events must always give the same state.
IMPURE_MODULES = ("time", "random", "secrets", "uuid", "uuid_utils", "urllib.request", "shared.kernel.ids.new_id")
IMPURE_CALLS = {"now", "utcnow", "today", "new_id", "uuid4", "uuid7", "urandom", "perf_counter", "monotonic", "open"}


def find_impure(path: PurePosixPath, text: str) -> Iterator[str]:
    for line, name in imports(text):
        if any(name == module or name.startswith(module + ".") for module in IMPURE_MODULES):
            yield f"{line}: import of {name}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in IMPURE_CALLS:
                yield f"{node.lineno}: call of {called}()"


def find_forbidden_imports(*forbidden: str) -> Callable[[PurePosixPath, str], Iterator[str]]:
    def find(path: PurePosixPath, text: str) -> Iterator[str]:
        for line, name in imports(text):
            if any(part in forbidden for part in name.split(".")):
                yield f"{line}: import of {name}"

    return find


def find_name(path: PurePosixPath, text: str) -> Iterator[str]:
    if path.stem in ("utils", "util", "helpers", "helper", "common", "misc") or path.name == "service.py":
        yield f"1: the name {path.name}"
    for part in path.parent.parts:
        if part in ("utils", "helpers", "common", "misc"):
            yield f"1: the folder {part}"


def find_length(path: PurePosixPath, text: str) -> Iterator[str]:
    machinery = path.parts[0] == "shared" and path.parts[1] != "contracts" and "tests" not in path.parts
    limit = 200 if machinery else 400
    count = len(text.splitlines())
    if count > limit:
        yield f"{count}: {count} lines where {limit} are allowed"


def find_target_without_sentence(path: PurePosixPath, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        target = re.match(r"([a-z][a-z-]*):(?!=)(.*)", line)
        if target and not re.search(r"## [A-Z].*\.$", target.group(2)):
            yield f"{number}: target {target.group(1)}"


def find_missing_commands(path: PurePosixPath, text: str) -> Iterator[str]:
    for command in ("make run", "make test"):
        if command not in text:
            yield f"1: `{command}` is not mentioned"


RULES = [
    Rule(
        "no BaseHTTPMiddleware",
        "It costs six sevenths of the throughput and breaks cancellation: write a pure ASGI middleware.",
        is_python,
        find_forbidden_imports("BaseHTTPMiddleware"),
    ),
    Rule(
        "no httpx",
        "It forwards 400 requests a second where aiohttp forwards 3,100: use aiohttp.",
        lambda path: is_python(path) and path.parts[0] in ("services", "shared"),
        find_forbidden_imports("httpx"),
    ),
    Rule(
        "no module of odds and ends",
        "Name it after the one concept that it holds.",
        is_code,
        find_name,
    ),
    Rule(
        "no long file",
        "Split it where its concepts part.",
        lambda path: is_code(path) and not path.name.endswith(".d.ts"),
        find_length,
    ),
    Rule(
        "no path of one machine",
        "Derive it from the place of the file, or take it from the environment.",
        lambda path: True,
        lines(r"""(?<![\w.$}*-])/(?:work|root|Users)/[\w.]|/home/(?!nonroot|app)\w+/"""),
    ),
    Rule(
        "no host in a lock file",
        "Resolve it with `make lock`, which leaves the address of the index out.",
        is_lock,
        lines(r"https?://|--(?:extra-)?index-url|--find-links|--trusted-host"),
    ),
    Rule(
        "no clock, chance or identifier in pure code",
        "It is told time and ids: take them from the command or the message.",
        is_pure,
        find_impure,
    ),
    Rule(
        "no postponed annotations",
        "Remove `from __future__ import annotations`: annotations are read at run time here.",
        is_python,
        find_forbidden_imports("__future__"),
    ),
    Rule(
        "every make target says in a sentence what it does",
        "Write `target: ## Sentence.`",
        lambda path: path.name == "Makefile",
        find_target_without_sentence,
    ),
    Rule(
        "the README begins with the two commands",
        "Name `make run` and `make test`.",
        lambda path: path == PurePosixPath("README.md"),
        find_missing_commands,
    ),
]
