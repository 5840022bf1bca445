"""`make setup` on machines that lack something, and the lock file that it installs."""

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from deploy.local.paths import ROOT

TOOLS = ("sh", "dirname", "sha256sum", "shasum", "cat", "df", "awk", "rm")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What `make setup` needs of a clone, with a PATH of its own in bin/."""
    folder = tmp_path / "deploy" / "local"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "local" / "environment.sh", folder)
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        if found := shutil.which(tool):
            os.symlink(found, tmp_path / "bin" / tool)
    return tmp_path


def set_up(clone: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [clone / "deploy/local/environment.sh"], env={"PATH": str(clone / "bin")}, capture_output=True, text=True
    )


def program(clone: Path, name: str, text: str) -> None:
    file = clone / "bin" / name
    file.write_text(f"#!{shutil.which('sh')}\n{text}\n")
    file.chmod(0o755)


def test_no_python_is_said(clone: Path) -> None:
    done = set_up(clone)
    assert done.returncode == 1
    assert done.stderr.startswith("error: Python 3.11 or newer is needed")
    assert not (clone / ".venv").exists()


def test_an_old_python_is_passed_over_for_a_newer_one(clone: Path) -> None:
    program(clone, "python3", "exit 1")
    program(clone, "python3.12", 'case "$*" in *venv*) exit 1;; *) echo Python 3.12.1;; esac')
    done = set_up(clone)
    assert done.returncode == 1
    assert done.stderr == "error: Python 3.12.1 lacks venv: install it (Debian: apt install python3-venv)\n"


def test_a_full_disk_is_said(clone: Path) -> None:
    program(clone, "python3", "exit 0")
    (clone / "bin" / "df").unlink()
    program(clone, "df", "printf 'head\\n/dev/x 100 90 2048 99%% /\\n'")
    done = set_up(clone)
    assert done.returncode == 1
    assert done.stderr == "error: the disk is full: 2 MB are free here, 1500 are needed\n"


def test_a_failed_installation_is_said_and_tried_again(clone: Path) -> None:
    mkdir, ln = shutil.which("mkdir"), shutil.which("ln")
    made = f"{mkdir} -p .venv/bin && {ln} -sf {clone}/bin/python3 .venv/bin/python"
    program(clone, "python3", f'case "$*" in "-m venv"*) {made};; "-m pip"*) exit 1;; *) echo Python 3.11;; esac')
    for _ in range(2):
        done = set_up(clone)
        assert done.returncode == 1
        assert "could not be installed" in done.stderr


def test_the_lock_holds_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = list(project["project"]["dependencies"])
    for group in project["dependency-groups"].values():
        asked += [line for line in group if isinstance(line, str)]
    locked = (ROOT / "requirements.lock").read_text()
    for requirement in asked:
        name, version = requirement.split(";")[0].strip().split("==")
        assert f"\n{name.split('[')[0]}=={version} " in "\n" + locked, requirement


@pytest.mark.parametrize("file", [ROOT / "requirements.lock", *sorted((ROOT / "requirements").glob("*.lock"))])
def test_every_locked_package_has_hashes(file: Path) -> None:
    for entry in file.read_text().replace("\\\n", "").splitlines():
        assert "--hash=sha256:" in entry, entry
