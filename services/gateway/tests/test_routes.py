"""The route table: the gateway's own reads first, then the longest address that fits."""

import pytest

from services.gateway import api
from services.gateway.routes import FORWARDED, SERVICES, Routes

ROUTES = Routes(api.PERMISSIONS)


@pytest.mark.parametrize(
    ("method", "path", "service", "public"),
    [
        ("GET", "/v1/campaigns", "", False),
        ("HEAD", "/v1/campaigns", "", False),
        ("POST", "/v1/campaigns", "campaigns", False),
        ("GET", "/v1/campaigns/c-1", "", False),
        ("PATCH", "/v1/campaigns/c-1", "campaigns", False),
        ("POST", "/v1/campaigns/c-1/publish", "campaigns", False),
        ("POST", "/v1/campaigns/c-1/flag", "moderation", False),
        ("POST", "/v1/accounts/a-1/unflag", "moderation", False),
        ("POST", "/v1/accounts/a-1/approve", "identity", False),
        ("GET", "/v1/accounts/me", "identity", False),
        ("GET", "/v1/accounts", "", False),
        ("POST", "/v1/accounts", "identity", True),
        ("POST", "/v1/sessions", "identity", True),
        ("POST", "/v1/sessions/refresh", "identity", True),
        ("POST", "/v1/sessions/sign-out", "identity", False),
        ("GET", "/v1/applications/a-1/message", "campaigns", False),
        ("GET", "/v1/ad-requests/a-1/messages", "adrequests", False),
        ("POST", "/v1/deals/d-1/submissions", "adrequests", False),
        ("POST", "/v1/wallet/top-ups", "payments", False),
        ("POST", "/v1/withdrawals", "payments", False),
        ("GET", "/.well-known/jwks.json", "identity", True),
        ("GET", "/v1/problems", "", True),
    ],
)
def test_each_address_has_its_service(method: str, path: str, service: str, public: bool) -> None:
    route = ROUTES.find(method, path, path.encode())
    assert route is not None
    assert (route.service, route.public) == (service, public)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/internal/people/x",
        "/v1",
        "/v1/campaigns/",
        "/v1//campaigns",
        "/v1/campaigns/../x",
        "/v1/x",
        "/v2/deals",
    ],
)
def test_everything_else_has_none(path: str) -> None:
    assert ROUTES.find("GET", path, path.encode()) is None


def test_an_encoded_slash_or_a_backslash_has_none() -> None:
    assert ROUTES.find("GET", "/v1/campaigns/a/b", b"/v1/campaigns/a%2Fb") is None
    assert ROUTES.find("GET", "/v1/campaigns/a", b"/v1\\campaigns/a") is None


def test_the_table_names_services_that_exist_and_nothing_internal() -> None:
    assert set(FORWARDED.values()) == set(SERVICES)
    assert not [address for address in FORWARDED if "internal" in address]
