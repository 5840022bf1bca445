"""What runs on this machine: every process of the platform with its port and its settings."""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local import databases, ports
from deploy.local.infra import Infra
from deploy.local.paths import ROOT
from deploy.local.ports import LOOPBACK

PRODUCERS = ("identity", "campaigns", "adrequests", "payments", "moderation")
SERVICES = (*PRODUCERS, "gateway")
ROLES = dict.fromkeys(PRODUCERS, ("api", "worker")) | {"gateway": ("api", "projector")}

#: What the processes of the platform, and an operator's verbs, import.
MODULES = (
    *(f"services.{service}.{module}" for service in SERVICES for module in ("main", "api")),
    "services.gateway.operating",
    "services.gateway.people",
    "shared.messaging.projections",
    "shared.roles.api",
    "shared.roles.operate",
    "shared.roles.worker",
)

#: Offsets from the gateway's port, which are tried first: addresses stay the same from run to run.
SPACING = 10
KAFKA_OFFSET = 60
POSTGRES_OFFSET = 70

#: What an operator may set for all processes.
PASSED_ON = (
    "LOG_LEVEL",
    "PLATFORM_FEE_BASIS_POINTS",
    "RATE_LIMIT_PER_SECOND",
    "RATE_LIMIT_BURST",
    "RATE_LIMIT_ANONYMOUS_PER_SECOND",
    "RATE_LIMIT_ANONYMOUS_BURST",
)


@dataclass(frozen=True)
class Unit:
    """One process: a role of a service."""

    service: str
    role: str
    port: int

    @property
    def name(self) -> str:
        return f"{self.service}-{self.role}"

    @property
    def ready_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/readyz"

    def place(self, cores: Sequence[int]) -> Sequence[int]:
        """Return those of the cores that there are on which it may run; none of them: wherever the kernel will.

        Every request passes the gateway and one of the services. Where cores are fewer than those who answer, the
        gateway keeps to the first and they to the others, or the kernel would often have both wait for the same one.
        """
        if self.role != "api" or not 1 < len(cores) < len(SERVICES):
            return ()
        return cores[:1] if self.service == "gateway" else cores[1:]


def units(gateway_port: int) -> list[Unit]:
    """Return all processes in the order in which they start.

    Only the gateway's port is fixed, the others move to a free one where theirs is busy.
    """
    found = []
    for place, service in enumerate(SERVICES, 1):
        for step, role in enumerate(ROLES[service]):
            port = gateway_port + place % len(SERVICES) * SPACING + step
            found.append(Unit(service, role, port if port == gateway_port else ports.preferred(port)))
    return found


class Secrets:
    """Passwords and keys of this installation, made once and kept in one file that only its owner can read."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._values: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}

    def get(self, name: str) -> str:
        """Return the secret `name`: 32 random bytes as URL-safe text, made when first asked for."""
        if name not in self._values:
            self._values[name] = secrets.token_urlsafe(32)
            self._file.parent.mkdir(parents=True, exist_ok=True)
            unfinished = self._file.with_name(self._file.name + ".unfinished")
            unfinished.unlink(missing_ok=True)
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
                json.dump(self._values, opened, indent=1)
            unfinished.replace(self._file)
        return self._values[name]


@dataclass(frozen=True)
class Plan:
    """Everything that a process of the platform is told."""

    infra: Infra
    secrets: Secrets
    topic_prefix: str
    units: list[Unit]
    environment: Mapping[str, str]  # our own, which the processes inherit without what is not theirs

    @property
    def gateway_url(self) -> str:
        return self.url("gateway")

    @property
    def admin_email(self) -> str:
        return self.environment.get("ADMIN_EMAIL", "admin@sponsio.example")

    @property
    def admin_password(self) -> str:
        return self.environment.get("ADMIN_PASSWORD") or self.secrets.get("ADMIN_PASSWORD")

    def url(self, service: str) -> str:
        [port] = [unit.port for unit in self.units if (unit.service, unit.role) == (service, "api")]
        return f"http://{LOOPBACK}:{port}"

    def database_url(self, service: str, *, owner: bool = False) -> str:
        role = f"sponsio_{service}" + ("_owner" if owner else "")
        return databases.address(
            self.infra.postgres_admin_url, role, self.secrets.get(f"{role}.password"), f"sponsio_{service}"
        )

    def settings(self, service: str) -> dict[str, str]:
        """Return the environment of a service's serving processes: what it needs, and no secret of another."""
        inherited = {
            name: value
            for name, value in self.environment.items()
            if name in ("PATH", "HOME", "LANG", "TMPDIR") or name in PASSED_ON
        }
        settings = {
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": self.database_url(service),
            "KAFKA_BOOTSTRAP": self.infra.kafka,
            "TOPIC_PREFIX": self.topic_prefix,
            "HTTP_HOST": LOOPBACK,
            "SERVICE_SECRET": self.secrets.get("SERVICE_SECRET"),
            "DIGEST_SECRET": self.secrets.get("DIGEST_SECRET"),
        }
        settings |= {f"{name.upper()}_URL": self.url(name) for name in PRODUCERS}
        for unit in self.units:
            if unit.service == service:
                settings["HTTP_PORT" if unit.role == "api" else "WORKER_PORT"] = str(unit.port)
        if service == "identity":
            settings["SIGNING_SECRET"] = self.secrets.get("SIGNING_SECRET")
        if service == "payments":
            settings["PAYOUT_HOLD_HOURS"] = self.environment.get("PAYOUT_HOLD_HOURS", "0")  # a demo does not wait
        return inherited | settings

    def operator_settings(self, service: str) -> dict[str, str]:
        """Return the environment of an operator's verbs, which alone know the owner of the service's database."""
        return self.settings(service) | {"MIGRATION_DATABASE_URL": self.database_url(service, owner=True)}

    def bootstrap_settings(self) -> dict[str, str]:
        """Return the environment of identity's bootstrap, which makes the first administrator."""
        return self.settings("identity") | {"ADMIN_EMAIL": self.admin_email, "ADMIN_PASSWORD": self.admin_password}
