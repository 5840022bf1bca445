"""Names and fields of all events, private and public; each rule is shown to fail on a bad sample."""

import dataclasses
import importlib
from datetime import datetime
from typing import Any

import pytest

from shared.contracts.catalogue import MESSAGES, PRODUCERS, TYPES
from shared.kernel.record import record
from tests.contracts.produced import contract_of, private_events
from tests.contracts.rules import misnamed, personal, unregistered


@record
class ShoeSold:
    shoe_id: str
    sold_at: datetime


@record
class SellShoe:
    shoe_id: str


def with_field(name: str) -> type:
    return dataclasses.make_dataclass("ShoeSold", [("shoe_id", str), (name, str)])


@pytest.mark.parametrize("service", PRODUCERS)
def test_wire_names_are_written_by_the_rule(service: str) -> None:
    assert misnamed(service, contract_of(service)) == []
    assert misnamed(service, private_events(service)) == []


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        ({"shoes.ShoeSold": ShoeSold}, "is not written"),
        ({"shoes.shoe_sold.v1": ShoeSold}, "is not written"),
        ({"shoes.ShoeSold.v0": ShoeSold}, "is not written"),
        ({"shoes.ShoeSold.1": ShoeSold}, "is not written"),
        ({"boots.ShoeSold.v1": ShoeSold}, "does not begin with its producer"),
        ({"shoes.SellShoe.v1": SellShoe}, "is not in the past tense"),
        ({"shoes.ShoeReturned.v1": ShoeSold}, "stands for ShoeSold"),
        ({"shoes.ShoeSold.v1": ShoeSold, "shoes.ShoeSold.v2": ShoeSold}, "more than one wire name"),
    ],
)
def test_a_bad_wire_name_is_found(events: dict[str, type], fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.contracts.rules.IRREGULAR", {"Sold"})
    assert misnamed("shoes", {"shoes.ShoeSold.v1": ShoeSold}) == []
    assert any(fault in sentence for sentence in misnamed("shoes", events))


def test_the_catalogue_holds_every_event_of_every_producer() -> None:
    assert {name: kind for producer in PRODUCERS for name, kind in contract_of(producer).items()} == MESSAGES
    assert len(TYPES) == len(MESSAGES)


@pytest.mark.parametrize("producer", PRODUCERS)
def test_every_record_of_a_contract_is_a_message_or_part_of_one(producer: str) -> None:
    module = importlib.import_module(f"shared.contracts.{producer}")
    assert unregistered(vars(module).values(), contract_of(producer)) == []


def test_a_record_that_is_no_message_is_found() -> None:
    assert unregistered([ShoeSold, SellShoe, str, 1], {"shoes.ShoeSold.v1": ShoeSold}) == ["SellShoe is in no MESSAGES"]


@pytest.mark.parametrize("service", PRODUCERS)
def test_no_event_has_a_field_that_smells_personal(service: str) -> None:
    assert personal(contract_of(service).values()) == []
    assert personal(private_events(service).values()) == []


@pytest.mark.parametrize(
    "name",
    [
        "name", "display_name", "firstname", "email", "mail", "phone_number", "bio", "message", "note", "notes",
        "review", "review_text", "handle", "handles", "address", "addresses",
    ],
)  # fmt: skip
def test_a_field_that_smells_personal_is_found_at_any_depth(name: str) -> None:
    assert len(personal([with_field(name)])) == 1
    inside: Any = tuple[with_field(name), ...]  # type: ignore[misc]
    assert len(personal([dataclasses.make_dataclass("Order", [("parts", inside)])])) == 1
    assert len(personal([dataclasses.make_dataclass("Order", [("part", with_field(name) | None)])])) == 1


@pytest.mark.parametrize("name", ["review_by", "noted_at", "platform", "id", "amount_minor", "biology"])
def test_a_field_that_is_not_personal_is_let_through(name: str) -> None:
    assert personal([with_field(name)]) == []
