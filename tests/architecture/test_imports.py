"""The import contracts of pyproject.toml hold, and each is shown to break on a small project with one bad import."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deploy.local.plan import SERVICES
from tests.architecture.rules import ROOT

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
NAMES = [contract["name"] for contract in SETTINGS["contracts"]]
ROOMS = ("kernel", "accounts", "contracts", "eventstore", "messaging", "web", "roles", "testing")
PARTS = ("main", "api", "consumers", "application", "queries", "publishing", "tables", "processes", "projections")

#: (contract, module that imports, what it imports)
BAD = [
    ("services exchange facts, never imports", "services/payments/application.py", "services.campaigns.domain"),
    ("services exchange facts, never imports", "services/gateway/queries.py", "services.identity.tables"),
    ("shared imports no service", "shared/messaging/__init__.py", "services.identity.domain"),
    ("nothing that is shipped imports deploy", "services/payments/main.py", "deploy.local"),
    ("nothing that is shipped imports deploy", "shared/web/__init__.py", "shared.testing"),
    ("a service imports downwards", "services/payments/domain.py", "services.payments.publishing"),
    ("a service imports downwards", "services/payments/application.py", "services.payments.api"),
    ("a service imports downwards", "services/payments/processes.py", "services.payments.tables"),
    ("a service imports downwards", "services/payments/projections.py", "services.payments.processes"),
    ("shared imports downwards", "shared/kernel/__init__.py", "shared.contracts"),
    ("shared imports downwards", "shared/accounts/__init__.py", "shared.eventstore"),
    ("shared imports downwards", "shared/eventstore/__init__.py", "shared.messaging"),
    ("shared imports downwards", "shared/web/__init__.py", "shared.roles"),
    ("pure modules reach no input or output", "services/payments/domain.py", "asyncpg"),
    ("pure modules reach no input or output", "services/payments/processes.py", "os"),
    ("pure modules reach no input or output", "services/gateway/projections.py", "shared.eventstore"),
    ("pure modules reach no input or output", "shared/kernel/__init__.py", "asyncio"),
    ("pure modules reach no input or output", "shared/accounts/__init__.py", "asyncpg"),
    ("pure modules reach no input or output", "shared/contracts/__init__.py", "aiohttp"),
    ("the domain knows neither pydantic nor contracts", "services/payments/domain.py", "pydantic"),
    ("the domain knows neither pydantic nor contracts", "services/payments/domain.py", "shared.contracts"),
    ("only the border speaks contracts", "services/payments/application.py", "shared.contracts"),
    ("only the border speaks contracts", "services/payments/api.py", "shared.contracts"),
    ("only the border speaks contracts", "shared/eventstore/__init__.py", "shared.contracts"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "COLUMNS": "250"},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of the same shape without a line of code, and with the same contracts."""
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    modules = [f"services/{service}/{part}.py" for service in SERVICES for part in (*PARTS, "domain", "config")]
    modules += [f"services/{service}/__init__.py" for service in SERVICES]
    modules += [f"services/{service}/tests/__init__.py" for service in SERVICES]
    modules += [f"shared/{room}/__init__.py" for room in ROOMS]
    modules += ["services/__init__.py", "shared/__init__.py", "deploy/__init__.py", "deploy/local/__init__.py"]
    for module in modules:
        file = tmp_path / module
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return tmp_path


def test_the_project_keeps_its_contracts() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_empty_project_keeps_them_too(project: Path) -> None:
    done = lint(project)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in NAMES:
        assert f"{name} KEPT" in done.stdout


@pytest.mark.parametrize(("contract", "module", "imported"), BAD)
def test_a_bad_import_breaks_the_contract(project: Path, contract: str, module: str, imported: str) -> None:
    (project / module).write_text(f"import {imported}\n")
    done = lint(project)
    assert done.returncode != 0
    assert f"{contract} BROKEN" in done.stdout, done.stdout + done.stderr


def test_a_module_without_a_declared_place_breaks_the_build(project: Path) -> None:
    (project / "services/payments/odds.py").touch()
    assert "a service imports downwards BROKEN" in lint(project).stdout


def test_a_room_without_a_declared_place_breaks_the_build(project: Path) -> None:
    (project / "shared/odds").mkdir()
    (project / "shared/odds/__init__.py").touch()
    assert "shared imports downwards BROKEN" in lint(project).stdout


def test_the_border_may_speak_contracts(project: Path) -> None:
    for part in ("consumers", "processes", "projections", "publishing"):
        (project / f"services/payments/{part}.py").write_text("import shared.contracts\n")
    (project / "services/gateway/queries.py").write_text("import shared.contracts\n")
    assert lint(project).returncode == 0


def test_every_contract_has_a_bad_sample() -> None:
    assert {contract for contract, _, _ in BAD} == set(NAMES)
