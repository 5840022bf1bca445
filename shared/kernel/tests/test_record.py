"""Records: written like dataclasses, known as such, never changed."""

import pickle
from dataclasses import asdict, field, fields
from dataclasses import replace as replace_of_dataclasses

import msgspec
import pytest

from shared.kernel.record import record, replace


@record
class Shelf:
    """A shelf."""

    room: str
    boards: int = 3
    weights: dict[str, int] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Say where it stands."""
        return f"{self.room}/{self.boards}"

    @classmethod
    def spare(cls) -> "Shelf":
        """Return one that nobody uses."""
        return cls("cellar")


@record
class Cupboard:
    shelf: Shelf
    height: int

    def __post_init__(self) -> None:
        if self.height < 0:
            raise ValueError("below the floor")


def test_a_record_is_compared_by_value_and_kind() -> None:
    assert Shelf("hall") == Shelf("hall", 3, {})
    assert Shelf("hall") != Shelf("attic")
    assert Cupboard(Shelf("a"), 1) == Cupboard(Shelf("a"), 1)
    assert Shelf("hall").weights is not Shelf("hall").weights
    assert repr(Shelf("hall")) == "Shelf(room='hall', boards=3, weights={})"


def test_a_record_is_never_changed() -> None:
    shelf = Shelf("hall")
    for name in ("room", "colour"):
        with pytest.raises(AttributeError):
            setattr(shelf, name, "red")
    with pytest.raises(AttributeError):
        del shelf.room
    assert not hasattr(shelf, "__dict__")


def test_what_is_written_in_the_class_stays() -> None:
    assert (Shelf.__doc__, Shelf.__module__, Shelf.spare().label) == ("A shelf.", __name__, "cellar/3")
    match Shelf("hall", 4):
        case Shelf(room, boards):
            assert (room, boards) == ("hall", 4)
        case _:
            pytest.fail("no match")
    with pytest.raises(TypeError):
        Shelf()  # type: ignore[call-arg]


@pytest.mark.parametrize("copied", [replace, replace_of_dataclasses])
def test_a_copy_with_a_change_leaves_the_first_alone_and_is_checked_like_it(copied: type) -> None:
    cupboard = Cupboard(Shelf("hall"), 2)
    assert copied(cupboard, height=5) == Cupboard(Shelf("hall"), 5)
    assert cupboard.height == 2
    with pytest.raises(TypeError):
        copied(cupboard, width=1)
    with pytest.raises(ValueError, match="below"):
        copied(cupboard, height=-1)


def test_dataclasses_json_and_pickle_know_a_record() -> None:
    cupboard = Cupboard(Shelf("hall", weights={"books": 7}), 2)
    assert [each.name for each in fields(cupboard)] == ["shelf", "height"]
    assert asdict(cupboard) == {"shelf": {"room": "hall", "boards": 3, "weights": {"books": 7}}, "height": 2}
    written = msgspec.json.encode(cupboard)
    assert written == b'{"shelf":{"room":"hall","boards":3,"weights":{"books":7}},"height":2}'
    assert msgspec.json.decode(written, type=Cupboard) == cupboard
    for wrong in (b'{"height":2}', b'{"shelf":{"room":1},"height":2}'):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=Cupboard)
    assert pickle.loads(pickle.dumps(cupboard)) == cupboard
