"""What a deciding service is, as one value: its main.py says nothing else."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from shared.eventstore.codec import Upcaster
from shared.eventstore.database import Database
from shared.eventstore.execute import Store
from shared.eventstore.handlers import DeadlineHandlers, Handlers
from shared.eventstore.work import Publish
from shared.kernel.record import record
from shared.messaging.processes import Process
from shared.web.settings import Settings


@record
class Runtime:
    """What a running process of a service holds."""

    service: str
    settings: Settings
    database: Database
    store: Store
    handlers: Handlers


#: Opens what a service's api has beside the common parts; gives the app's state. An `authenticator` in it takes the
#: place of the one that asks identity over HTTP.
Extras = Callable[[Runtime], AbstractAsyncContextManager[Mapping[str, object]]]
#: An operator's verb of one service: takes its arguments, returns what to print.
Verb = Callable[[Runtime, Sequence[str]], Awaitable[str]]
#: A check of `verify`: returns what it found true; raises where it is not.
Audit = Callable[[Database], Awaitable[str]]


@record
class Definition:
    """The parts that the roles of a service are made of."""

    name: str
    registries: tuple[Mapping[str, type], ...]  # EVENTS of each module in domain/
    publish: Publish
    handlers: Callable[[Settings], Handlers]
    deadlines: Callable[[Settings], DeadlineHandlers]
    processes: tuple[Process, ...]
    api: str  # the module with PERMISSIONS and `router`, imported by the processes that serve it alone
    upcasters: Mapping[str, Upcaster] | None = None
    extras: Extras | None = None
    verbs: Mapping[str, Verb] | None = None
    audits: tuple[Audit, ...] = ()

    def listens_to(self) -> tuple[str, ...]:
        """Return the services whose topics the processes read, in alphabetical order."""
        from shared.contracts.catalogue import TYPES

        listened: set[type[Any]] = {kind for process in self.processes for kind in process.LISTENS}
        return tuple(sorted({TYPES[kind].partition(".")[0] for kind in listened}))
