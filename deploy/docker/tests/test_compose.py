"""docker-compose.yml starts what `make run` starts, told the same things, on the images that tests use."""

import re
import stat
from pathlib import Path

import pytest

from deploy.docker import setup
from deploy.local.containers import KAFKA_IMAGE, POSTGRES_IMAGE
from deploy.local.infra import Infra
from deploy.local.paths import ROOT
from deploy.local.plan import ROLES, SERVICES, Plan, Secrets, units

COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()


def block(name: str) -> str:
    """Return the lines of one service of the file, '' where there is none."""
    found = re.search(rf"^  {name}:\n((?:    .*\n|\n)+)", COMPOSE.partition("\nservices:\n")[2], re.M)
    return found[1] if found else ""


@pytest.mark.parametrize("service", SERVICES)
def test_every_process_is_there_with_the_image_and_secrets_of_its_service_alone(service: str) -> None:
    for role in ROLES[service]:
        lines = block(f"{service}-{role}")
        assert f"image: sponsio-{service}\n" in lines
        assert f"command: {role}\n" in lines
        assert f'volumes: ["{service}-secrets:/run/secrets:ro"]' in lines


def test_nothing_stands_in_the_way_of_more_replicas() -> None:
    assert "container_name" not in COMPOSE
    assert [line.strip() for line in COMPOSE.splitlines() if "ports:" in line] == [
        'ports: ["127.0.0.1:${GATEWAY_PORT:-8080}:8000"]'
    ]
    assert "ports:" in block("gateway-api")


def test_the_images_are_those_of_the_tests() -> None:
    assert f"image: {POSTGRES_IMAGE}\n" in block("postgres")
    assert f"image: {KAFKA_IMAGE}\n" in block("kafka")


def test_an_image_takes_shared_and_one_service() -> None:
    service = DOCKERFILE.partition(" AS service\n")[2]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", service, re.M)
    assert copied == ["deploy/docker/sponsio deploy/docker/healthy.py", "services/$SERVICE"]
    assert "\nUSER sponsio\n" in service
    assert "HEALTHCHECK" in service


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_the_same_as_under_make_run(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "VOLUMES", tmp_path)
    (tmp_path / "setup").mkdir()
    infra = Infra("none", "127.0.0.1:1", "postgresql://postgres:none@127.0.0.1:1/postgres")
    plan = Plan(infra, Secrets(tmp_path / "plan"), "sponsio", units(1), {})
    shared_settings = set(re.findall(r"^    ([A-Z_]+):", COMPOSE.partition("x-once")[0], re.M))
    by_the_image = {"PYTHONPATH", "PYTHONUNBUFFERED", "HTTP_HOST", "HTTP_PORT", "WORKER_PORT"}
    secret = set(setup.settings(service))
    assert not secret & shared_settings
    assert set(plan.settings(service)) <= secret | shared_settings | by_the_image


def test_secrets_are_made_once_and_each_service_is_given_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "VOLUMES", tmp_path)
    for volume in ("setup", "postgres", *SERVICES):
        (tmp_path / volume).mkdir()
    setup.make_secrets()
    first = {file.relative_to(tmp_path).as_posix(): file.read_text() for file in tmp_path.glob("*/*")}
    setup.make_secrets()
    assert {file.relative_to(tmp_path).as_posix(): file.read_text() for file in tmp_path.glob("*/*")} == first
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o444 for file in tmp_path.glob("*/*"))
    owners = [setup.database_url(service, owner=True) for service in SERVICES]
    assert not [name for name, value in first.items() if value in owners]
    assert first["payments/DATABASE_URL"] != first["identity/DATABASE_URL"]
    assert "identity/SIGNING_SECRET" in first
    assert "payments/SIGNING_SECRET" not in first
    assert first["postgres/POSTGRES_PASSWORD"] == first["setup/POSTGRES_PASSWORD"]
