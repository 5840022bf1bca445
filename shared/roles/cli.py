"""`python -m services.<name>.main <role>`: the roles of a deciding service and the verbs of its operators."""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from shared.eventstore.append import StoreAway
from shared.eventstore.database import AWAY
from shared.roles.definition import Definition, Verb
from shared.roles.runtime import open_runtime
from shared.web.logs import configure
from shared.web.serve import run, stop_on_signals
from shared.web.settings import Settings, load_settings

AWAY_SECONDS = 30.0

Role = Callable[[Definition, Settings, asyncio.Event], Awaitable[None]]

# What only one role needs is imported by that role: a process starts in half the time, and stays smaller.


async def run_api(definition: Definition, settings: Settings, stop: asyncio.Event) -> None:
    """Answer HTTP requests."""
    from shared.roles import api

    await api.run_api(definition, settings, stop)


async def run_worker(definition: Definition, settings: Settings, stop: asyncio.Event) -> None:
    """Relay, follow the processes and fire deadlines."""
    from shared.roles import worker

    await worker.run_worker(definition, settings, stop)


async def run_all(definition: Definition, settings: Settings, stop: asyncio.Event) -> None:
    """Serve api and worker in one process; when one of them ends, so does the other."""
    async with asyncio.TaskGroup() as group:
        for role in (run_api, run_worker):
            task = group.create_task(role(definition, settings, stop))
            task.add_done_callback(lambda _: stop.set())


ROLES: dict[str, tuple[Role, str]] = {
    "api": (run_api, "answer HTTP requests on HTTP_PORT"),
    "worker": (run_worker, "relay, processes and deadlines; health on WORKER_PORT"),
    "all": (run_all, "api and worker in one process"),
}


def cli(definition: Definition, arguments: Sequence[str] | None = None) -> None:
    """Do what the command line asks for; exits with 1 where an operator's verb finds something wrong."""
    arguments = sys.argv[1:] if arguments is None else arguments
    verbs = {} if {*arguments} & ROLES.keys() else operators_verbs(definition)
    parser = argparse.ArgumentParser(prog=f"services.{definition.name}.main", description=definition.name)
    verb_parsers = parser.add_subparsers(dest="verb", required=True, metavar="role or verb")
    for name, (_, text) in ROLES.items():
        verb_parsers.add_parser(name, help=text)
    verb_parsers.add_parser("migrate", help="bring the database to this release's schema, as its owner")
    for name, verb in verbs.items():
        text = (verb.__doc__ or "").partition("\n")[0]
        verb_parsers.add_parser(name, help=text).add_argument("arguments", nargs="*")
    chosen = parser.parse_args(arguments)
    settings = load_settings(Settings)
    configure(definition.name, chosen.verb, settings.log_level)
    if chosen.verb == "migrate":
        migrate(definition.name, settings)
    elif chosen.verb in ROLES:
        run(_serve(definition, settings, ROLES[chosen.verb][0]))
    else:
        run(_operate(definition, settings, verbs[chosen.verb], chosen.arguments))


def operators_verbs(definition: Definition) -> dict[str, Verb]:
    """Return the verbs that every service has, and those of this one."""
    from shared.roles import operate

    return {**operate.operators_verbs(definition), **(definition.verbs or {})}


def migrate(service: str, settings: Settings) -> None:
    """Run the migrations as the owner; the serving role is the one of DATABASE_URL."""
    from shared.eventstore.migrate import run_migrations

    role = settings.need("database_url").partition("://")[2].partition(":")[0]
    run_migrations(service, settings.need("migration_database_url"), role)


async def patiently(operate: Callable[[], Awaitable[str]], seconds: float = AWAY_SECONDS) -> str:
    """Return what a verb says; where the database is away, ask again, until so many seconds have passed.

    Every verb may be repeated. A machine on which many processes start at once is slow to let another one in.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            return await operate()
        except (*AWAY, StoreAway):
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.5)


async def tell(service: str, verb: Callable[[], Awaitable[str]]) -> None:
    """Print what a verb says; where it fails, exit with 1 and one line: that is what scripts and operators want."""
    try:
        print(await patiently(verb))
    except Exception as problem:
        sys.stderr.write(f"{service}: {type(problem).__name__}: {problem}\n")
        raise SystemExit(1) from None


async def _serve(definition: Definition, settings: Settings, role: Role) -> None:
    await role(definition, settings, stop_on_signals())


async def _operate(definition: Definition, settings: Settings, verb: Verb, arguments: Sequence[str]) -> None:
    async with open_runtime(definition, settings) as runtime:
        await tell(definition.name, partial(verb, runtime, arguments))
