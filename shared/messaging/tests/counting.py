"""A process of the tests: for each jar that others fill, it counts the sweets into a tally of its own service."""

from datetime import datetime

from shared.eventstore.tests.jar import JarFilled, SweetsTaken
from shared.kernel.record import record
from shared.messaging.tests import tally

NAME = "counting"
LISTENS = (JarFilled, SweetsTaken)


@record
class State:
    filled: int = 0


INITIAL = State()


def route(event: JarFilled | SweetsTaken) -> str | None:
    return event.jar_id if isinstance(event, JarFilled) else None


def evolve(state: State, event: JarFilled | SweetsTaken) -> State:
    return State(state.filled + event.sweets) if isinstance(event, JarFilled) else state


def react(event: JarFilled, state: State, at: datetime) -> list[tally.Count]:
    return [tally.Count(event.jar_id, event.sweets)]
