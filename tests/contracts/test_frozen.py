"""What is frozen stays: each way to change it is found, and what may change is let through."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.catalogue import MESSAGES
from tests.contracts import frozen
from tests.contracts.generate import FROZEN, GOLDEN, broken, committed, golden, schemas, write

HELD = "payments.FundsHeld.v1"
EDITED = "campaigns.CampaignEdited.v1"

Change = Callable[[dict[str, Any]], object]

FORBIDDEN: dict[str, Change] = {
    "a field less": lambda told: told[HELD]["properties"].pop("currency"),
    "a field more": lambda told: told[HELD]["properties"].update(more={"type": "string"}),
    "a field of another type": lambda told: told[HELD]["properties"]["amount_minor"].update(type="number"),
    "a field that need not be there": lambda told: told[HELD]["required"].remove("currency"),
    "another key": lambda told: told[HELD].update({"x-key": "sponsor_id"}),
    "a field called like a word of schemas": lambda told: told[EDITED]["properties"].pop("description"),
    "an event less": lambda told: told.pop(HELD),
    "a header less": lambda told: told["envelope"]["properties"].pop("ce_chain"),
    "a header that need not be there": lambda told: told["envelope"]["required"].remove("ce_chain"),
    "a header written otherwise": lambda told: told["envelope"]["properties"]["ce_number"].update(pattern="^[a-z]$"),
}
ALLOWED: dict[str, Change] = {
    "clearer words": lambda told: told[HELD].update(description="The amount was set aside."),
    "clearer words of a field": lambda told: told[HELD]["properties"]["deal_id"].update(description="whose"),
    "a new version beside the old one": lambda told: told.update({"payments.FundsHeld.v2": {"type": "object"}}),
    "an optional header more": lambda told: told["envelope"]["properties"].update(tracestate={"type": "string"}),
}


def changed_by(change: Change) -> list[str]:
    before = schemas()
    after = copy.deepcopy(before)
    change(after)
    return frozen.changed(frozen.digests(before), frozen.digests(after))


def test_nothing_that_is_frozen_was_changed() -> None:
    assert not broken(), "\n".join(broken())


def test_all_public_events_are_frozen() -> None:
    assert MESSAGES.keys() <= frozen.parse(committed(FROZEN)).keys()


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_change_of_what_is_frozen_is_found(what: str) -> None:
    [sentence] = changed_by(FORBIDDEN[what])
    assert "a later change is a new version" in sentence


@pytest.mark.parametrize("what", ALLOWED)
def test_what_breaks_no_reader_is_let_through(what: str) -> None:
    assert changed_by(ALLOWED[what]) == []


@pytest.fixture
def retired(tmp_path: Path) -> Path:
    """A project in which a frozen event has no record any more, but its golden files."""
    name = "payments.FundsHeld.v0"
    (tmp_path / GOLDEN).mkdir(parents=True)
    for what in ("schema", "sample"):
        (tmp_path / golden(name, what)).write_text(committed(golden(HELD, what)))
    held = schemas()[HELD]
    (tmp_path / FROZEN).write_text(frozen.render(frozen.digests({name: held})))
    return tmp_path


def test_an_older_version_stays_on_the_page_for_those_who_read_from_the_beginning(retired: Path) -> None:
    write(retired)
    assert "payments.FundsHeld.v0" in committed("docs/events.md", retired)
    assert write(retired) == []


def test_make_contracts_changes_nothing_when_something_frozen_was_changed(retired: Path) -> None:
    (retired / golden("payments.FundsHeld.v0", "schema")).write_text('{"type": "object"}\n')
    before = sorted(retired.rglob("*"))
    with pytest.raises(SystemExit, match="a later change is a new version"):
        write(retired)
    assert sorted(retired.rglob("*")) == before
