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


def start(say: Callable[[str], None]) -> "Infra":
    """Start both containers; Trouble where there is no engine, with nothing left running."""
    import time

    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import ExecWaitStrategy

    from deploy.local.infra import Infra

    infra = Infra("containers", "", "")
    password = secrets.token_urlsafe(24)
    port = ports.any_free()
    settings = SETTINGS | {
        "listeners": "CLIENTS://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"CLIENTS://{LOOPBACK}:{port}",
        "controller.quorum.voters": "1@localhost:9093",
    }
    try:
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
            broker.with_env("KAFKA_" + name.upper().replace("-", "__").replace("_", "__").replace(".", "_"), value)
        infra.on_stop.append(broker.stop)
        broker.start()
        infra.kafka = f"{broker.get_container_host_ip()}:{port}"
        until = time.monotonic() + 90
        while not answers(infra.kafka):
            if time.monotonic() > until:
                raise Trouble(f"{KAFKA_IMAGE} did not come up within 90 s")
            time.sleep(0.3)
    except Trouble:
        infra.stop()
        raise
    except Exception as error:
        infra.stop()
        raise Trouble(f"containers could not be started: {error}") from error
    return infra
