"""The permission tables of all services as one: what the generated refusals are generated from."""

from collections.abc import Sequence
from typing import Any

from services.adrequests import api as adrequests
from services.campaigns import api as campaigns
from services.gateway import api as gateway
from services.identity import api as identity
from services.moderation import api as moderation
from services.payments import api as payments
from shared.kernel.record import record
from shared.web.permissions import INTERNAL, PUBLIC, SIGNED_IN, Permission

APIS: dict[str, Any] = {
    "identity": identity,
    "campaigns": campaigns,
    "adrequests": adrequests,
    "payments": payments,
    "moderation": moderation,
    "gateway": gateway,
}


@record
class Row:
    """A route of one service."""

    service: str
    permission: Permission

    @property
    def name(self) -> str:
        """What a failing test is called after."""
        return f"{self.permission.method} {self.permission.path}"

    @property
    def method(self) -> str:
        return self.permission.method

    @property
    def roles(self) -> list[str]:
        """Who may."""
        return sorted(self.permission.roles) if isinstance(self.permission.roles, frozenset) else []

    @property
    def other_roles(self) -> list[str]:
        """Who may not, though signed in."""
        return sorted(SIGNED_IN - set(self.roles))

    @property
    def parameter(self) -> str:
        """The id in its address, '' where there is none."""
        return self.permission.path.partition("{")[2].partition("}")[0]

    def at(self, id: str) -> str:
        """Return the address of one object."""
        return self.permission.path.replace(f"{{{self.parameter}}}", id) if self.parameter else self.permission.path

    @property
    def missing(self) -> str:
        """The documented code for what does not exist, or is somebody else's."""
        if self.service == "gateway":
            return "not-found"
        return f"{self.permission.path.split('/')[2].removesuffix('s')}-unknown"


def rows(services: Sequence[str] = tuple(APIS)) -> list[Row]:
    """Return the tables' rows, each once."""
    return [Row(service, permission) for service in services for permission in APIS[service].PERMISSIONS]


ROWS = rows()
PERSONAL = [row for row in ROWS if isinstance(row.permission.roles, frozenset)]
OPEN = [row for row in ROWS if row.permission.roles is PUBLIC]
CLOSED = [row for row in ROWS if row.permission.roles is INTERNAL]
COMMANDS = [row for row in ROWS if row.permission.idempotent]
WRITES = [row for row in ROWS if row.method != "GET"]
OF_ONE_OBJECT = [row for row in ROWS if row.parameter and row not in CLOSED]
