"""The documents hold every event, refer to nothing that is not there, and their code does what they say."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.contracts.catalogue import MESSAGES
from tests.contracts.generate import ROOT

PAGE = (ROOT / "docs/events.md").read_text()
DOCUMENT = json.loads((ROOT / "docs/asyncapi.json").read_text())


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    if isinstance(value, list):
        for part in value:
            yield from references(part)


def dangling(document: Any) -> list[str]:
    """Find references to what the document does not hold."""
    found = []
    for reference in references(document):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place.get(step) if isinstance(place, dict) else None
        if place is None:
            found.append(reference)
    return found


def links(page: str) -> list[str]:
    """Find links of the page to files that are not there."""
    targets = re.findall(r"\]\(([^)#:]+)\)", page)
    assert targets
    return [target for target in targets if not (ROOT / "docs" / target).exists()]


def test_every_event_is_in_both_documents() -> None:
    for name in MESSAGES:
        assert f"| `{name}`<br>" in PAGE
        channel = DOCUMENT["channels"][name.split(".")[0]]
        assert channel["messages"][name] == {"$ref": f"#/components/messages/{name}"}
    assert DOCUMENT["components"]["messages"].keys() == MESSAGES.keys()


def test_nothing_is_referred_to_that_is_not_there() -> None:
    assert dangling(DOCUMENT) == []
    assert links(PAGE) == []


def test_a_reference_to_nothing_is_found() -> None:
    assert dangling({"a": [{"$ref": "#/b/c"}], "b": {}}) == ["#/b/c"]
    assert links("[here](events.md) [there](nowhere.md)") == ["nowhere.md"]


@pytest.fixture
def is_new() -> Callable[[str, int], bool]:
    """The function of the page, reading one partition."""
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    space: dict[str, Any] = {}
    exec(code, space)
    last: dict[tuple[str, int], tuple[str, int]] = {}

    def ask(epoch: str, number: int) -> bool:
        headers = {"ce_epoch": epoch.encode(), "ce_number": str(number).encode()}
        new: bool = space["is_new"](last, "sponsio.payments.1", 3, headers)
        return new

    return ask


def test_the_code_of_the_page_skips_what_came_before(is_new: Callable[[str, int], bool]) -> None:
    assert [is_new("e", number) for number in (1, 2, 1, 2, 3, 3, 4)] == [True, True, False, False, True, False, True]


@pytest.mark.parametrize(("epoch", "number"), [("e", 4), ("f", 3), ("f", 1), ("f", 2)])
def test_the_code_of_the_page_stops_at_a_gap_and_at_another_epoch(
    is_new: Callable[[str, int], bool], epoch: str, number: int
) -> None:
    assert is_new("e", 1)
    assert is_new("e", 2)
    with pytest.raises(Exception, match="comes after 2 of e"):
        is_new(epoch, number)
    assert is_new("e", 3), "the gap was noted"


def test_the_code_of_the_page_begins_with_number_1(is_new: Callable[[str, int], bool]) -> None:
    with pytest.raises(Exception, match="comes after 0"):
        is_new("e", 2)
