"""Settings of a process, all from the environment, under the names of docs/operations.md."""

import sys
from typing import Literal, NoReturn, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound="Settings")


class Settings(BaseSettings):
    """What every service knows. A service's config.py may add to it; what only some roles need is asked by `need`."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    database_url: SecretStr | None = None  # the serving role's
    migration_database_url: SecretStr | None = None  # the owner's
    kafka_bootstrap: str | None = None  # host:port, several with commas
    topic_prefix: str = Field("sponsio", pattern=r"^[a-z0-9][a-z0-9-]*$")

    http_host: str = "127.0.0.1"
    http_port: int | None = Field(None, ge=0, le=65_535)  # api
    worker_port: int | None = Field(None, ge=0, le=65_535)  # health and metrics of a worker or projector

    identity_url: str | None = None
    campaigns_url: str | None = None
    adrequests_url: str | None = None
    payments_url: str | None = None
    moderation_url: str | None = None

    service_secret: SecretStr | None = None  # bearer of /internal/ routes
    digest_secret: SecretStr | None = None  # keyed digests
    signing_secret: SecretStr | None = None  # identity: encrypts its private signing keys at rest
    admin_email: str | None = None
    admin_password: SecretStr | None = None

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    payout_hold_hours: int = Field(72, ge=0)
    platform_fee_basis_points: int = Field(1_000, ge=0, le=10_000)

    def need(self, name: str) -> str:
        """Return a setting as text, a secret's value included; where it is not set, say so and exit with status 2."""
        value = getattr(self, name)
        if value is None:
            _give_up(f"{name.upper()} is not set")
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    def need_port(self, name: str) -> int:
        """Return a port as `need` does."""
        return int(self.need(name))


def load_settings(kind: type[S]) -> S:
    """Read the environment; where a value is not acceptable, say so in one line (never the value) and exit with 2."""
    try:
        return kind()
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, one['loc'])).upper()}: {_said(one['type'], one['msg'])}" for one in error.errors()
        ]
        _give_up("; ".join(wrong))


def _said(kind: str, message: str) -> str:
    return "it is not set" if kind == "missing" else message


def _give_up(what: str) -> NoReturn:
    sys.stderr.write(f"settings: {what} (environment)\n")
    raise SystemExit(2)
