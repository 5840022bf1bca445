"""A tiny domain for the store's own tests: a jar of sweets that cannot be overdrawn."""

from shared.kernel.record import record
from shared.kernel.rejected import Kind, Rejected

CATEGORY = "jar"


@record
class Fill:
    jar_id: str
    sweets: int


@record
class Take:
    jar_id: str
    sweets: int


@record
class JarFilled:
    jar_id: str
    sweets: int


@record
class SweetsTaken:
    jar_id: str
    sweets: int


@record
class Jar:
    sweets: int = 0


INITIAL = Jar()
Event = JarFilled | SweetsTaken
EVENTS: dict[str, type] = {"jars.JarFilled.v1": JarFilled, "jars.SweetsTaken.v1": SweetsTaken}


class JarEmpty(Rejected):
    code = "jar-empty"
    kind = Kind.STATE
    text = "Only {sweets} left."


def decide(command: Fill | Take, state: Jar) -> list[Event]:
    match command:
        case Fill():
            return [JarFilled(command.jar_id, command.sweets)]
        case Take() if command.sweets > state.sweets:
            raise JarEmpty(sweets=state.sweets)
        case Take():
            return [SweetsTaken(command.jar_id, command.sweets)]


def evolve(state: Jar, event: Event) -> Jar:
    match event:
        case JarFilled():
            return Jar(state.sweets + event.sweets)
        case SweetsTaken():
            return Jar(state.sweets - event.sweets)


def publish(event: object) -> tuple[object, str] | None:
    """Fillings are public, and their public form is the event itself."""
    return (event, event.jar_id) if isinstance(event, JarFilled) else None
