"""The role `worker`: relay, processes and deadlines beside each other, and a small address for health and metrics."""

import asyncio
from asyncio import Event
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from shared.contracts.catalogue import MESSAGES
from shared.eventstore.deadlines import DeadlineRunner
from shared.messaging.processes import Processes
from shared.messaging.relay import Relay
from shared.messaging.runner import Runner
from shared.messaging.topics import topic_name
from shared.roles.definition import Definition
from shared.roles.runtime import open_runtime
from shared.web.health import Check, Health
from shared.web.serve import serve, stop_on_signals
from shared.web.settings import Settings

log = structlog.get_logger()


async def run_worker(definition: Definition, settings: Settings, stop: Event | None = None) -> None:
    """Work until told to stop. A part that ends by itself ends the process: whoever supervises it starts it again."""
    async with open_runtime(definition, settings) as runtime:
        bootstrap, prefix = settings.need("kafka_bootstrap"), settings.topic_prefix
        relay = Relay(runtime.database, definition.name, topic_name(prefix, definition.name), bootstrap)
        deadlines = DeadlineRunner(runtime.store, definition.deadlines(settings))
        parts: list[Callable[[], Coroutine[Any, Any, None]]] = [relay.run, deadlines.run]
        checks: dict[str, Check] = {
            "database": lambda: runtime.database.fetchval("SELECT position FROM head"),
            "relay": lambda: _true(not relay.silent),
        }
        if topics := [topic_name(prefix, service) for service in definition.listens_to()]:
            processes = Processes(runtime.store, definition.processes, runtime.handlers, MESSAGES)
            group = f"{prefix}.{definition.name}.{processes.consumer}"
            runner = Runner(runtime.database, bootstrap, group, topics, processes)
            parts.append(runner.run)
            checks["consumer"] = lambda: _true(not runner.troubles())
        await run_beside(
            Health(checks), settings.http_host, settings.need_port("worker_port"), parts, stop or stop_on_signals()
        )


async def run_beside(
    health: Health, host: str, port: int, parts: list[Callable[[], Coroutine[Any, Any, None]]], stop: Event
) -> None:
    """Run `parts` while `health` is served; raises what ended one of them, once all are stopped."""
    tasks = [asyncio.create_task(part(), name=getattr(part, "__qualname__", "part")) for part in parts]
    for task in tasks:
        task.add_done_callback(lambda _: stop.set())
    await serve(health, host, port, stop=stop)
    ended = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("part_failed", part=task.get_name(), error=type(problem).__name__)
            raise problem


async def _true(verdict: bool) -> bool:
    return verdict
