"""What is committed is what the contracts say, and every sample is read and written again as the same bytes."""

from pathlib import Path

import pytest

from shared.contracts.catalogue import MESSAGES
from shared.eventstore.codec import Codec
from shared.kernel.ids import is_id
from tests.contracts.generate import FROZEN, GOLDEN, ROOT, committed, drift, generated, golden, samples, write
from tests.contracts.headers import HEADERS, envelope_sample
from tests.contracts.rules import undescribed, unstable
from tests.contracts.samples import SAMPLES

HELD = "payments.FundsHeld.v1"


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return generated()


@pytest.fixture
def copy(tmp_path: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert drift(files, tmp_path) == []
    return tmp_path


def test_what_is_committed_is_what_is_generated(files: dict[str, str]) -> None:
    assert not drift(files), "\n".join(drift(files))


@pytest.mark.parametrize(
    "path", [golden(HELD, "schema"), golden(HELD, "sample"), FROZEN, "docs/events.md", "docs/asyncapi.json"]
)
@pytest.mark.parametrize("change", ["changed", "gone"])
def test_a_file_that_drifts_is_named_with_the_remedy(copy: Path, files: dict[str, str], path: str, change: str) -> None:
    if change == "changed":
        (copy / path).write_text(files[path].replace("a", "b", 1))
    else:
        (copy / path).unlink()
    assert drift(files, copy) == [f"{path} is not what the contracts say: run `make contracts`"]


def test_a_file_that_is_left_over_is_named_with_the_remedy(copy: Path, files: dict[str, str]) -> None:
    (copy / GOLDEN / "payments.FundsBurnt.v1.schema.json").write_text("{}\n")
    [sentence] = drift(files, copy)
    assert "FundsBurnt" in sentence
    assert "make contracts" in sentence


def test_make_contracts_mends_what_drifted(copy: Path, files: dict[str, str]) -> None:
    (copy / golden(HELD, "schema")).write_text("{}\n")
    (copy / "docs/events.md").unlink()
    (copy / GOLDEN / "left.over").touch()
    assert len(write(copy)) == 3
    assert drift(files, copy) == []
    assert write(copy) == []


def test_every_event_has_one_sample_and_says_what_happened() -> None:
    assert sorted(type(sample).__name__ for sample in SAMPLES) == sorted(kind.__name__ for kind in MESSAGES.values())
    assert undescribed({name: {"description": kind.__doc__} for name, kind in MESSAGES.items()}) == []
    assert undescribed({HELD: {}}) == [f"{HELD} has no docstring"]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_sample_is_read_and_written_again_as_the_same_bytes(name: str) -> None:
    assert unstable(name, committed(golden(name, "sample")), Codec(MESSAGES)) == []


@pytest.mark.parametrize(
    ("name", "sample", "fault"),
    [
        (HELD, '{"deal_id": "d"}', "missing required field"),
        (HELD, samples()[HELD].replace("180000", '"180000"'), "Expected `int`"),
        (HELD, samples()[HELD].replace("EUR", "\\u0045UR"), "is written as"),
        (HELD, samples()[HELD].replace("{", '{"more": 1,', 1), "is written as"),
        ("payments.FundsHeld.v2", samples()[HELD], "payments.FundsHeld.v2"),
    ],
)
def test_a_bad_sample_is_found(name: str, sample: str, fault: str) -> None:
    [sentence] = unstable(name, sample, Codec(MESSAGES))
    assert fault in sentence


def test_the_ids_of_the_samples_are_such_as_we_give() -> None:
    ids = [getattr(s, field) for s in SAMPLES for field in s.__dataclass_fields__ if field.endswith("_id")]  # type: ignore[attr-defined]
    assert ids
    assert all(map(is_id, ids))


def test_every_header_is_described_and_none_beside() -> None:
    assert set(envelope_sample()) == set(HEADERS)


def test_every_file_ends_with_one_newline() -> None:
    for path in [*(ROOT / GOLDEN).iterdir(), ROOT / "docs/events.md", ROOT / "docs/asyncapi.json"]:
        text = path.read_text()
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
