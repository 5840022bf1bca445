"""Each house rule holds for the project, and is shown to fail on a bad sample: a rule that cannot fail is none."""

from pathlib import PurePosixPath

import pytest

from tests.architecture.rules import RULES, Rule, files

HOME = "/ro" + "ot/project/data"  # in two parts, as is the other: so that this file is no bad sample itself
BELOW = ".local/wo" + "rk/data"

#: rule -> (path, what breaks it, what does not)
SAMPLES = {
    "no BaseHTTPMiddleware": (
        "shared/web/slow.py",
        "from starlette.middleware.base import BaseHTTPMiddleware\n",
        "from starlette.types import ASGIApp\n",
    ),
    "no httpx": ("services/gateway/forward.py", "import httpx\n", "import aiohttp\n"),
    "no long file": ("shared/kernel/long.py", "x = 1\n" * 201, "x = 1\n" * 200),
    "no path of one machine": ("docs/run.md", f"Data lies in {HOME}.\n", f"Data lies in {BELOW}.\n"),
    "no host in a lock file": (
        "requirements.lock",
        "--index-url https://index.example/simple\n",
        "aiohttp==3.14.5 \\\n    --hash=sha256:00\n",
    ),
    "no clock, chance or identifier in pure code": (
        "services/payments/domain/escrow.py",
        "from datetime import datetime\nAT = datetime.now()\n",
        "from datetime import datetime\n\ndef late(at: datetime, due: datetime) -> bool:\n    return at > due\n",
    ),
    "no postponed annotations": (
        "shared/kernel/later.py",
        "from __future__ import annotations\n",
        "from typing import Any\n",
    ),
    "every make target says in a sentence what it does": (
        "Makefile",
        "run: setup\n\tfalse\n",
        "PYTHON := python3\nrun: setup ## Start it.\n",
    ),
    "the README begins with the two commands": ("README.md", "`make run`", "`make run` and `make test`"),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_project_keeps_the_rule(rule: Rule) -> None:
    broken = [found for path, text in files() for found in rule.broken_by(path, text)]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.name in SAMPLES], ids=lambda rule: rule.name)
def test_the_rule_fails_on_a_bad_sample(rule: Rule) -> None:
    path, bad, good = SAMPLES[rule.name]
    assert rule.broken_by(PurePosixPath(path), bad)
    assert not rule.broken_by(PurePosixPath(path), good)


@pytest.mark.parametrize("path", ["shared/utils.py", "services/payments/service.py", "shared/helpers/money.py"])
def test_a_module_of_odds_and_ends_is_found_by_its_name(path: str) -> None:
    [rule] = [rule for rule in RULES if rule.name == "no module of odds and ends"]
    assert rule.broken_by(PurePosixPath(path), "")
    assert not rule.broken_by(PurePosixPath("services/payments/main.py"), "")


@pytest.mark.parametrize(
    "impure",
    [
        "import random\n",
        "import time\n",
        "from uuid import uuid4\n",
        "from shared.kernel.ids import new_id\n",
        "from datetime import date\nTODAY = date.today()\n",
        "TEXT = open('x').read()\n",
    ],
)
@pytest.mark.parametrize("folder", ["domain", "processes", "projections"])
def test_every_way_to_be_impure_is_found(impure: str, folder: str) -> None:
    [rule] = [rule for rule in RULES if rule.name.startswith("no clock")]
    assert rule.broken_by(PurePosixPath(f"services/payments/{folder}/sample.py"), impure)
    assert not rule.broken_by(PurePosixPath("services/payments/api.py"), impure)


def test_every_rule_has_a_bad_sample() -> None:
    assert {rule.name for rule in RULES} == SAMPLES.keys() | {"no module of odds and ends"}


def test_there_are_files_to_look_at() -> None:
    found = {path.as_posix() for path, _ in files()}
    assert {"Makefile", "pyproject.toml", "requirements.lock", "shared/kernel/record.py"} <= found
