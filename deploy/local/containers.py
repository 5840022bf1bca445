"""Kafka and PostgreSQL in containers, through testcontainers, on the images that docker-compose.yml names."""

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from deploy.local import ports
from deploy.local.kafka import SETTINGS, answers
from deploy.local.ports import LOOPBACK
from deploy.local.trouble import Trouble

if TYPE_CHECKING:
    from deploy.local.infra import Infra

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "apache/kafka:4.3.1"
PATIENCE = 240.0  # seconds until the broker serves clients


def start(say: Callable[[str], None]) -> "Infra":
    """Start both containers; Trouble where there is no engine, with nothing left running."""
    import time

    from testcontainers.core.container import DockerContainer
    from testcontainers.core.docker_client import DockerClient
    from testcontainers.core.wait_strategies import ExecWaitStrategy

    from deploy.local.infra import Infra

    infra = Infra("containers", "", "")
    password = secrets.token_urlsafe(24)
    port = ports.any_free()
    try:
        host = DockerClient().host()
        settings = SETTINGS | {
            "listeners": "CLIENTS://:9092,CONTROLLER://:9093",
            "advertised.listeners": f"CLIENTS://{host}:{port}",
            "controller.quorum.voters": "1@localhost:9093",
        }
        say(f"starting {POSTGRES_IMAGE}")
        database = DockerContainer(POSTGRES_IMAGE).with_exposed_ports(5432).with_env("POSTGRES_PASSWORD", password)
        database.with_command("postgres -c max_connections=300 -c timezone=UTC")
        database.waiting_for(ExecWaitStrategy(["pg_isready", "-h", LOOPBACK, "-U", "postgres"]))
        infra.on_stop.append(database.stop)
        database.start()
        at = f"{database.get_container_host_ip()}:{database.get_exposed_port(5432)}"
        infra.postgres_admin_url = f"postgresql://postgres:{password}@{at}/postgres"
        say(f"starting {KAFKA_IMAGE}")
        broker = DockerContainer(KAFKA_IMAGE).with_bind_ports(9092, port)
        for name, value in settings.items():
            broker.with_env("KAFKA_" + name.upper().replace(".", "_"), value)
        infra.on_stop.append(broker.stop)
        broker.start()
        infra.kafka = f"{host}:{port}"
        until = time.monotonic() + PATIENCE
        while not (ports.accepts(port, host) and answers(infra.kafka)):
            if time.monotonic() > until:
                output, errors = (part.decode(errors="replace")[-2000:] for part in broker.get_logs())
                raise Trouble(f"{KAFKA_IMAGE} did not come up within {PATIENCE:.0f} s; it says:\n{output}{errors}")
            time.sleep(0.3)
    except Trouble:
        infra.stop()
        raise
    except Exception as error:
        infra.stop()
        raise Trouble(f"containers could not be started: {error}") from error
    return infra
