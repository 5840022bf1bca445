"""The Consistency-Token."""

import pytest

from shared.messaging.token import LENGTH_LIMIT, Seen, format, merge, parse


def test_a_token_says_what_it_was_made_of() -> None:
    seen = (Seen("campaigns", 0, "e", 7), Seen("payments", 3, "e", 17))
    assert format(reversed(seen)) == "campaigns:0:e:7,payments:3:e:17"
    assert parse(format(seen)) == seen
    assert parse("") == ()


def test_merging_keeps_the_furthest_of_each_partition() -> None:
    assert merge("a:0:e:7,a:1:e:1", "", "a:0:e:9") == "a:0:e:9,a:1:e:1"


def test_a_later_epoch_is_further() -> None:
    assert merge("a:0:0198-b:1", "a:0:0198-a:99") == "a:0:0198-b:1"


@pytest.mark.parametrize(
    "text",
    ["a", "a:0:e", "a:0:e:x", "a:-1:e:1", "a:0::1", "A:0:e:1", "a:0:e:1,", ",", "a:0:e:1 ", "a:0:e:1\n", "a:٣:e:1"],
)
def test_a_malformed_token_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Consistency-Token"):
        parse(text)


def test_an_endless_token_is_refused() -> None:
    with pytest.raises(ValueError, match="characters"):
        parse("a:0:e:1," * LENGTH_LIMIT)
