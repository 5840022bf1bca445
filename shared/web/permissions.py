"""Who may do what, as data: one row for each route, and nothing without a row."""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum

from starlette.routing import BaseRoute, Route

from shared.kernel.record import record


class Access(Enum):
    """Rows that are not about a person's role."""

    PUBLIC = "public"  # anybody; a token is not looked at
    INTERNAL = "internal"  # other services of the platform, with SERVICE_SECRET


PUBLIC = Access.PUBLIC
INTERNAL = Access.INTERNAL

#: Everybody with a valid access token.
SIGNED_IN = frozenset({"sponsor", "influencer", "admin"})


@record
class Permission:
    """One row; `idempotent` says that the command needs an Idempotency-Key."""

    method: str
    path: str  # the template, as the route is written: /v1/campaigns/{campaign_id}
    roles: frozenset[str] | Access
    idempotent: bool = False


class PermissionTableBroken(Exception):
    """A route has no row, a row no route, or one is there twice: the service must not start."""


def pair(permissions: Sequence[Permission], routes: Iterable[BaseRoute]) -> list[tuple[Route, list[Permission]]]:
    """Return each route with its rows, one for each method; raises PermissionTableBroken unless both sides match.

    A route's HEAD belongs to its GET. Mounts, hosts and websockets have no rows and are refused.
    """
    wrong = _faults(permissions)
    rows = {(row.method, row.path): row for row in permissions}
    pairs: list[tuple[Route, list[Permission]]] = []
    seen: set[tuple[str, str]] = set()
    for route in routes:
        if not isinstance(route, Route):
            wrong.append(f"{getattr(route, 'path', route)} is no plain route and cannot have a row")
            continue
        keys = [(method, route.path) for method in sorted((route.methods or set()) - {"HEAD"})]
        if not keys:
            wrong.append(f"{route.path} names no method")
        wrong.extend(f"{method} {path} has no row" for method, path in keys if (method, path) not in rows)
        wrong.extend(f"{method} {path} has two routes" for method, path in keys if (method, path) in seen)
        seen.update(keys)
        pairs.append((route, [rows[key] for key in keys if key in rows]))
    wrong.extend(f"{method} {path} has a row but no route" for method, path in sorted(rows.keys() - seen))
    if wrong:
        raise PermissionTableBroken("; ".join(wrong))
    return pairs


def _faults(permissions: Sequence[Permission]) -> list[str]:
    wrong = []
    for name, times in Counter(f"{row.method} {row.path}" for row in permissions).items():
        if times > 1:
            wrong.append(f"{name} has {times} rows")
    for row in permissions:
        if isinstance(row.roles, frozenset) and not (row.roles and row.roles <= SIGNED_IN):
            wrong.append(f"{row.method} {row.path} is open to {sorted(row.roles)}, not to roles of ours")
    return wrong
