"""The planted faults still find their places in today's tree, without a platform."""

from functools import cache
from pathlib import Path

import pytest

from deploy.local.paths import ROOT
from tests.chaos.checks import INVARIANTS
from tests.chaos.planted.edits import PATIENT, Edit, Stale, apply, without
from tests.chaos.planted.faults import FAULTS, Fault
from tests.chaos.planted.scenarios import SCENARIOS


@cache
def original(file: str) -> str:
    return (ROOT / file).read_text()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_edit_finds_its_place_and_compiles(fault: Fault) -> None:
    texts: dict[str, str] = {}
    for edit in (*fault.release, *fault.edits):
        texts[edit.file] = edit.applied(texts.get(edit.file, original(edit.file)))
    for file, text in texts.items():
        assert text != original(file)
        compile(text, file, "exec")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_names_an_invariant_and_a_scenario_that_there_are(fault: Fault) -> None:
    assert fault.invariant in INVARIANTS
    assert fault.scenario in SCENARIOS


@pytest.mark.parametrize("edit", [without(frozenset({"campaigns"})), PATIENT], ids=lambda edit: edit.file)
def test_what_is_done_to_every_copy_finds_its_place(edit: Edit) -> None:
    compile(edit.applied(original(edit.file)), edit.file, "exec")


def test_numbers_and_names_are_given_once() -> None:
    assert len({fault.number for fault in FAULTS}) == len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("text", ["", "a = 1\na = 1\n"], ids=["gone", "twice"])
def test_an_edit_without_its_one_place_is_stale(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.py").write_text(text)
    with pytest.raises(Stale, match=r"a\.py holds this"):
        apply(tmp_path, (Edit("a.py", "a = 1", "a = 2"),))
