"""Given, when, then for pure modules, and every interleaving of messages across keys.

given(escrow, EscrowRequested(...)).when(HoldFunds(...)).then(FundsHeld(...))
given(escrow).when(OpenDispute(...)).refused(NothingToDispute)
took(settlement, DealAgreed(...)).when(WorkApproved(...), at).then(ApproveRelease(...))
@hypothesis.given(shuffled({"a": [...], "b": [...]}))
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Any, Protocol, TypeVar

from hypothesis import HealthCheck, settings, strategies

from shared.eventstore.codec import Codec
from shared.kernel.rejected import Rejected

T = TypeVar("T")

# No test asserts a duration: by default Hypothesis fails a property that is slow once, on a busy machine for instance.
settings.register_profile("sponsio", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sponsio")


class Folding(Protocol):
    """What every pure module has."""

    @property
    def INITIAL(self) -> Any: ...

    @property
    def evolve(self) -> Callable[[Any, Any], Any]: ...


class Deciding(Folding, Protocol):
    """A module of `domain/`."""

    @property
    def EVENTS(self) -> Mapping[str, type]: ...

    @property
    def decide(self) -> Callable[[Any, Any], list[Any]]: ...


class Reacting(Folding, Protocol):
    """A module of `processes/`."""

    @property
    def LISTENS(self) -> tuple[type, ...]: ...

    @property
    def route(self) -> Callable[[Any], str | None]: ...

    @property
    def react(self) -> Callable[[Any, Any, datetime], list[Any]]: ...


class Projecting(Protocol):
    """A module of `projections/`."""

    @property
    def Row(self) -> Callable[[], Any]: ...

    @property
    def keys(self) -> Callable[[Any], tuple[str, ...]]: ...

    @property
    def evolve(self) -> Callable[[Any, str, Any, datetime], Any]: ...


class Decided:
    """What became of a command: `then` or `refused` say what should have."""

    def __init__(self, before: Any, after: Any, events: list[Any], refusal: Rejected | None) -> None:
        self._before, self._events, self._refusal = before, events, refusal
        self.state = after

    def then(self, *events: object) -> "Decided":
        """Expect exactly these events; none means that nothing changes."""
        assert self._refusal is None, f"refused with {self._refusal!r}"
        assert self._events == list(events)
        return self

    def state_is(self, **fields: object) -> "Decided":
        """Expect these fields of the state after the command."""
        assert {name: getattr(self.state, name) for name in fields} == fields
        return self

    def refused(self, refusal: type[Rejected], **details: object) -> None:
        """Expect this refusal, with these details where any are named; nothing has changed."""
        assert type(self._refusal) is refusal, f"expected {refusal.__name__}, got {self._refusal or self._events!r}"
        assert details.items() <= self._refusal.details.items(), self._refusal.details
        assert self.state is self._before


class Given:
    """A state to decide on."""

    def __init__(self, module: Deciding, state: Any) -> None:
        self._module, self.state = module, state

    def and_then(self, *events: object) -> "Given":
        """Go on from here."""
        return given_state(self._module, reduce(self._module.evolve, events, self.state))

    def when(self, command: object) -> Decided:
        """Decide. Its events go through their wire form, as the store would send them."""
        codec = Codec(self._module.EVENTS)
        try:
            events = self._module.decide(command, self.state)
        except Rejected as refusal:
            return Decided(self.state, self.state, [], refusal)
        stored = [codec.decode(*codec.encode(event)) for event in events]
        assert stored == events, "an event is not the same after it was stored"
        return Decided(self.state, reduce(self._module.evolve, stored, self.state), events, None)


def given(module: Deciding, *events: object) -> Given:
    """Return the state of a domain module after `events`, ready for a command."""
    return given_state(module, reduce(module.evolve, events, module.INITIAL))


def given_state(module: Deciding, state: object) -> Given:
    """Return a state that was made elsewhere, ready for a command."""
    return Given(module, state)


class Reacted:
    """What a process commanded."""

    def __init__(self, commands: list[Any] | None) -> None:
        self._commands = commands

    def then(self, *commands: object) -> None:
        """Expect exactly these commands."""
        assert self._commands == list(commands)

    def not_routed(self) -> None:
        """Expect that the process says: this message is not mine."""
        assert self._commands is None


class Took:
    """A process that has taken some messages."""

    def __init__(self, module: Reacting, state: Any) -> None:
        self._module, self.state = module, state

    def when(self, message: object, at: datetime) -> Reacted:
        """Take one more message, sent at `at`."""
        assert type(message) in self._module.LISTENS, f"it does not listen to {type(message).__name__}"
        if self._module.route(message) is None:
            return Reacted(None)
        return Reacted(self._module.react(message, self._module.evolve(self.state, message), at))


def took(module: Reacting, *messages: object) -> Took:
    """Return the state of one instance of a process after `messages`, ready for the next."""
    return Took(module, reduce(module.evolve, messages, module.INITIAL))


def assert_total(module: Folding, events: Sequence[object]) -> None:
    """Check that `evolve` refuses nothing: every event on every state that two of them can lead to."""
    states = [module.INITIAL]
    for _ in range(2):
        states += [state for before in states for event in events if (state := module.evolve(before, event)) != before]
        states = [state for n, state in enumerate(states) if state not in states[:n]][:500]
    for state in states:
        for event in events:
            module.evolve(state, event)


def shuffled(messages_by_key: Mapping[str, Sequence[T]]) -> strategies.SearchStrategy[list[T]]:
    """Return every interleaving that keeps the order of each key: what Kafka promises, and no more."""
    turns = [key for key, messages in messages_by_key.items() for _ in messages]

    def in_turn(order: list[str]) -> list[T]:
        waiting = {key: iter(messages) for key, messages in messages_by_key.items()}
        return [next(waiting[key]) for key in order]

    return strategies.permutations(turns).map(in_turn)


def projected(module: Projecting, messages: Sequence[tuple[object, datetime]]) -> dict[str, Any]:
    """Return the rows of a projection after (message, time) pairs in this order."""
    rows: dict[str, Any] = {}
    for message, at in messages:
        for key in module.keys(message):
            rows[key] = module.evolve(rows.get(key, module.Row()), key, message, at)
    return rows
