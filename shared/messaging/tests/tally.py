"""A domain of the tests: a tally that refuses to count 13."""

from shared.kernel.record import record
from shared.kernel.rejected import Rejected

CATEGORY = "tally"


@record
class Count:
    jar_id: str
    sweets: int


@record
class Counted:
    jar_id: str
    sweets: int


@record
class Tally:
    sweets: int = 0
    order: tuple[int, ...] = ()


INITIAL = Tally()
EVENTS: dict[str, type] = {"tallies.Counted.v1": Counted}


class Unlucky(Rejected):
    code = "unlucky"
    text = "13 is not counted."


def decide(command: Count, state: Tally) -> list[Counted]:
    if command.sweets == 13:
        raise Unlucky
    return [Counted(command.jar_id, command.sweets)]


def evolve(state: Tally, event: Counted) -> Tally:
    return Tally(state.sweets + event.sweets, (*state.order, event.sweets))
