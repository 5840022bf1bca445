"""The reading path in docs/architecture.md stays short and true: files that exist, few, and none of them long."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "architecture.md"
MOST_FILES = 12
MOST_LINES = 399


def steps(document: str) -> list[tuple[int, str, str]]:
    """Return number, name and target of each step of the section about the life of a command."""
    section = document.partition("\n## The life of a command\n")[2].partition("\n## ")[0]
    return [(int(n), name, link) for n, name, link in re.findall(r"^(\d+)\. \[`(.+?)`\]\((.+?)\)", section, re.M)]


def faults(document: str) -> list[str]:
    """Return what is wrong with the reading path of `document`, which lies in docs/."""
    found, path = [], steps(document)
    if not 3 <= len(path) <= MOST_FILES:
        found.append(f"{len(path)} files, 3 to {MOST_FILES} are a path")
    if [n for n, _, _ in path] != list(range(1, len(path) + 1)):
        found.append("the steps are not numbered 1, 2, 3")
    if len({name for _, name, _ in path}) != len(path):
        found.append("a file comes twice")
    for _, name, link in path:
        if link != f"../{name}":
            found.append(f"{name} links to {link}")
        elif not (ROOT / name).is_file():
            found.append(f"{name} does not exist")
        elif (lines := len((ROOT / name).read_text().splitlines())) > MOST_LINES:
            found.append(f"{name} has {lines} lines, {MOST_LINES} at most")
    return found


def test_the_life_of_a_command_is_read_in_few_short_files() -> None:
    document = DOCUMENT.read_text()
    assert not faults(document)
    print(f"the life of a command: {len(steps(document))} files")


def test_a_path_with_a_file_that_is_gone_too_long_or_one_too_many_is_noticed() -> None:
    document = DOCUMENT.read_text()
    assert faults(document.replace("edge.py", "wedge.py"))
    assert faults(document.replace("(../services/gateway/edge.py)", "(../services/gateway/api.py)"))
    assert faults(document.replace("services/gateway/edge.py", "requirements.lock"))
    assert faults(document.replace("12. [", "13. ["))
    one_more = "12. [`shared/eventstore/admit.py`](../shared/eventstore/admit.py)\n"
    assert faults(document.replace("\n12. [", f"\n{one_more}13. ["))
    assert faults(document.replace("## The life of a command", "## Elsewhere"))


def test_every_link_between_the_documents_leads_somewhere() -> None:
    broken = []
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *ROOT.glob("docs/**/*.md")):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            if not (document.parent / link).exists():
                broken.append(f"{document.relative_to(ROOT)}: {link}")
    assert not broken
