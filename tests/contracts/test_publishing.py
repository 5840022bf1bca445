"""Every service says all that its contract promises, and nothing else; each fault is shown to be found."""

import pytest

from shared.contracts.catalogue import PRODUCERS
from shared.kernel.record import record
from tests.contracts.produced import BadPublishing, Publish, contract_of, keys_of, private_events, publish_of


@record
class Sold:
    shoe_id: str
    price_minor: int


@record
class Returned:
    shoe_id: str


@record
class ShoeSold:
    shoe_id: str
    customer_id: str


EVENTS = {"shoes.Sold.v1": Sold, "shoes.Returned.v1": Returned}
CONTRACT = {"shoes.ShoeSold.v1": ShoeSold}


def right(event: object) -> tuple[object, str] | None:
    return (ShoeSold(event.shoe_id, "c"), event.shoe_id) if isinstance(event, Sold) else None


def foreign(event: object) -> tuple[object, str] | None:
    return event, "key"


def keyless(event: object) -> tuple[object, str] | None:
    return (ShoeSold("a", "b"), "elsewhere") if isinstance(event, Sold) else None


def fickle(event: object) -> tuple[object, str] | None:
    return ShoeSold("a", "b"), "a" if isinstance(event, Sold) else "b"


def silent(event: object) -> tuple[object, str] | None:
    return None


@pytest.mark.parametrize("service", PRODUCERS)
def test_a_service_publishes_its_contract_and_nothing_else(service: str) -> None:
    contract = contract_of(service)
    assert keys_of(service, private_events(service), publish_of(service), contract).keys() == contract.keys()


def test_the_key_is_found_in_the_message() -> None:
    assert keys_of("shoes", EVENTS, right, CONTRACT) == {"shoes.ShoeSold.v1": "shoe_id"}


@pytest.mark.parametrize(
    ("publish", "fault"),
    [
        (foreign, "not of its own contract"),
        (keyless, "in none of its fields"),
        (fickle, "now from"),
        (silent, "nothing becomes shoes.ShoeSold.v1"),
    ],
)
def test_bad_publishing_is_found(publish: Publish, fault: str) -> None:
    with pytest.raises(BadPublishing, match=fault):
        keys_of("shoes", EVENTS, publish, CONTRACT)
