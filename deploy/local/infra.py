"""Where Kafka and PostgreSQL come from is decided here and nowhere else.

1. Addresses in the environment win: KAFKA_BOOTSTRAP and POSTGRES_ADMIN_URL, both.
2. INFRA=containers: the official images through testcontainers.
3. Otherwise embedded: child processes out of pinned Python packages.

`python -m deploy.local.infra` starts them alone, prints the two settings and stays until Ctrl-C.
"""

import fcntl
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TextIO

from deploy.local import kafka, ports, postgres, process
from deploy.local.paths import LOCAL
from deploy.local.process import Child
from deploy.local.trouble import Trouble

SPACE_NEEDED = 1 << 30  # bytes: data, logs and Kafka's segments of a day of development


@dataclass
class Infra:
    """A running Kafka and a running PostgreSQL, and what ends them."""

    chosen: str
    kafka: str  # host:port
    postgres_admin_url: str
    starts: list[Callable[[], Child]] = field(default_factory=list)  # of what runs as our own child processes
    children: list[Child] = field(default_factory=list)
    on_stop: list[Callable[[], None]] = field(default_factory=list)

    def restarts(self) -> list[tuple[Child, Callable[[], Child]]]:
        """Return each child process with what starts it again, on the same data and port, without waiting for it."""

        def restart(place: int) -> Child:
            self.children[place] = self.starts[place]()
            return self.children[place]

        return [(child, partial(restart, place)) for place, child in enumerate(self.children)]

    def stop(self) -> None:
        """Stop what we started, and nothing else, Kafka first; repeating does nothing."""
        for child in reversed(self.children):
            child.ask_to_stop()
        for child in reversed(self.children):
            child.stop()
        while self.on_stop:
            self.on_stop.pop()()


def start(
    data_dir: Path,
    *,
    logs: Path | None = None,
    kafka_port: int | None = None,
    postgres_port: int | None = None,
    durable: bool = True,
    say: Callable[[str], None] = print,
    meanwhile: Callable[["Infra"], None] = lambda infra: None,
    environment: Mapping[str, str] = os.environ,
) -> Infra:
    """Provide Kafka and PostgreSQL, saying where they come from; ports that are None are any free ones.

    `meanwhile` is called as soon as PostgreSQL answers; an embedded Kafka is still starting then. Call it from the main
    thread. Raises Trouble, with nothing left running.
    """
    given = {name: environment[name] for name in ("KAFKA_BOOTSTRAP", "POSTGRES_ADMIN_URL") if environment.get(name)}
    if len(given) == 1:
        raise Trouble(f"{next(iter(given))} is set without the other: set both KAFKA_BOOTSTRAP and POSTGRES_ADMIN_URL")
    if given:
        infra = Infra("given by the environment", given["KAFKA_BOOTSTRAP"], given["POSTGRES_ADMIN_URL"])
    elif (choice := environment.get("INFRA", "embedded")) == "containers":
        from deploy.local import containers

        infra = containers.start(say)
    elif choice == "embedded":
        infra = _embedded(data_dir, logs or data_dir, kafka_port, postgres_port, durable, say, meanwhile)
    else:
        raise Trouble(f"INFRA={choice} is not known: embedded or containers")
    if not infra.children:
        meanwhile(infra)
    say(f"infrastructure: {infra.chosen}; Kafka {infra.kafka}, PostgreSQL {infra.postgres_admin_url.split('@')[-1]}")
    return infra


def _embedded(
    data_dir: Path,
    logs: Path,
    kafka_port: int | None,
    postgres_port: int | None,
    durable: bool,
    say: Callable[[str], None],
    meanwhile: Callable[[Infra], None],
) -> Infra:
    lock = claim(data_dir)
    infra = Infra("embedded", "", "", on_stop=[lock.close])
    try:
        free = shutil.disk_usage(data_dir).free
        if free < SPACE_NEEDED:
            raise Trouble(f"the disk of {data_dir} is full: {free >> 20} MB are free, {SPACE_NEEDED >> 20} are needed")
        logs.mkdir(parents=True, exist_ok=True)
        for name in stop_left_over(data_dir):
            say(f"stopped the {name} that an earlier run left behind")
        postgres_at = ports.any_free() if postgres_port is None else postgres_port
        kafka_at = ports.any_free() if kafka_port is None else kafka_port
        infra.postgres_admin_url = postgres.admin_url(data_dir, postgres_at)
        infra.kafka = f"{ports.LOOPBACK}:{kafka_at}"
        postgres_log, kafka_log = logs / "postgres.log", logs / "kafka.log"
        infra.starts = [
            start_postgres := partial(postgres.launch, data_dir, postgres_at, postgres_log, durable=durable),
            start_kafka := partial(kafka.launch, data_dir, kafka_at, kafka_log, say, durable=durable),
        ]
        say("starting Kafka and PostgreSQL")
        infra.children = [broker := start_kafka()]
        infra.children = [server := start_postgres(), broker]
        postgres.await_answers(server, postgres_at, postgres_log)
        meanwhile(infra)
        kafka.await_clients(broker, kafka_at, kafka_log)
    except BaseException:
        infra.stop()
        raise
    return infra


def stop_left_over(data_dir: Path) -> list[str]:
    """Stop what a run that was killed has left running on `data_dir`, and return the names of it."""
    left = {"PostgreSQL": ("postgres.pid", signal.SIGINT), "Kafka": ("kafka.pid", signal.SIGTERM)}
    return [name for name, (file, end) in left.items() if process.stop_left_over(data_dir / file, end)]


def claim(data_dir: Path) -> TextIO:
    """Lock a data folder for this process until the returned file is closed or the process ends."""
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = (data_dir / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip() or "?"
        lock.close()
        raise Trouble(f"{data_dir} is in use by process {holder}: stop that one first") from None
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        infra = start(LOCAL / "alone")
    except Trouble as trouble:
        raise SystemExit(f"error: {trouble}") from None
    try:
        print(f"export KAFKA_BOOTSTRAP={infra.kafka} POSTGRES_ADMIN_URL={infra.postgres_admin_url}", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        print("stopping")
    finally:
        infra.stop()


if __name__ == "__main__":
    main()
