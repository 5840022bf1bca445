"""Which service answers which address, as data. What is in no table is not forwarded; /internal/ is in none."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from shared.kernel.record import record
from shared.web.permissions import PUBLIC, Permission

#: The services that are forwarded to, each at its setting `<service>_url`.
SERVICES = ("identity", "campaigns", "adrequests", "payments", "moderation")

#: Address -> service. An address stands for all that begins with it, in whole segments; `*` is any one segment. Of
#: several that fit, the longest counts.
FORWARDED: Mapping[str, str] = {
    "/.well-known/jwks.json": "identity",
    "/v1/accounts": "identity",
    "/v1/sessions": "identity",
    "/v1/campaigns": "campaigns",
    "/v1/applications": "campaigns",
    "/v1/ad-requests": "adrequests",
    "/v1/deals": "adrequests",
    "/v1/wallet": "payments",
    "/v1/withdrawals": "payments",
    "/v1/accounts/*/flag": "moderation",
    "/v1/accounts/*/unflag": "moderation",
    "/v1/campaigns/*/flag": "moderation",
    "/v1/campaigns/*/unflag": "moderation",
}

#: What is forwarded without an access token: exactly these.
OPEN = frozenset({
    ("GET", "/.well-known/jwks.json"),
    ("POST", "/v1/accounts"),
    ("POST", "/v1/sessions"),
    ("POST", "/v1/sessions/refresh"),
})  # fmt: skip

#: What no part of an address may be.
AMBIGUOUS = frozenset({"", ".", ".."})


@record
class Route:
    """Where a request goes: `service` is '' for what the gateway answers itself; `row` names it in logs and metrics."""

    service: str
    row: Permission | None
    public: bool


class Routes:
    """Finds routes. The gateway's own, whole addresses with a method, come before what is forwarded."""

    def __init__(self, own: Iterable[Permission], forwarded: Mapping[str, str] = FORWARDED) -> None:
        self._own: dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]] = {}
        for row in own:
            pattern = tuple("*" if part.startswith("{") else part for part in row.path.split("/")[1:])
            route = Route("", row, row.roles is PUBLIC)
            self._own.setdefault((row.method, len(pattern)), []).append((pattern, route))
        self._forwarded: dict[tuple[str, ...], list[tuple[tuple[str, ...], str, str]]] = {}
        for address in sorted(forwarded, key=lambda address: -address.count("/")):
            pattern = tuple(address.split("/")[1:])
            self._forwarded.setdefault(pattern[:2], []).append((pattern, address, forwarded[address]))

    def find(self, method: str, path: str, raw_path: bytes) -> Route | None:
        """Return the route, or None where there is none, or the address could be read in two ways."""
        parts = tuple(path.split("/")[1:])
        if b"%2f" in raw_path.lower() or b"\\" in raw_path or not AMBIGUOUS.isdisjoint(parts):
            return None
        for pattern, route in self._own.get(("GET" if method == "HEAD" else method, len(parts)), ()):
            if fits(pattern, parts):
                return route
        for pattern, address, service in self._forwarded.get(parts[:2], ()):
            if fits(pattern, parts):
                return _forwarded(service, method, address, (method, path) in OPEN)
        return None


@lru_cache(maxsize=1_000)
def _forwarded(service: str, method: str, address: str, public: bool) -> Route:
    return Route(service, Permission(method, address, PUBLIC), public)


def fits(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Tell whether the parts of an address begin with a pattern."""
    return len(parts) >= len(pattern) and all(p in ("*", part) for p, part in zip(pattern, parts, strict=False))
