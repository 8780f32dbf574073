"""What each role of an operator opens, at every route of the internal API."""

import re
from typing import Any

import pytest

from infra.catalog.routes import INTERNAL_ROUTES, Route
from tests.fakes.api_events import principal
from tests.fakes.api_gateway import proxy_event
from tests.integration.backing import PREFIX
from tests.integration.signing import add_key
from tests.integration.system import System
from tests.integration.trading.admin import stored
from trading.adapters.dynamodb.audit import AuditEntry, TableAuditTrail
from trading.domain.clients.credentials import CLIENT_PERMISSIONS
from trading.domain.clients.roles import Role, permissions_of

ADMIN = "/api/v1/admin"
LOOKS = {Role.READER, Role.CLIENT_ADMINISTRATOR, Role.TRANSFERS, Role.OPERATIONS}
OPENED_TO: dict[tuple[str, str], set[Role]] = {
    ("POST", "/api/v1/execution/{order_id}"): {Role.OPERATIONS},
    ("POST", "/api/v1/clearing/{trade_id}"): {Role.OPERATIONS},
    ("POST", "/api/v1/settlement/{trade_id}"): {Role.OPERATIONS},
    ("POST", f"{ADMIN}/clients"): {Role.CLIENT_ADMINISTRATOR},
    ("GET", f"{ADMIN}/clients/{{client_id}}"): LOOKS,
    ("GET", f"{ADMIN}/clients/{{client_id}}/orders"): LOOKS,
    ("GET", f"{ADMIN}/clients/{{client_id}}/portfolio"): LOOKS,
    ("GET", f"{ADMIN}/orders/{{order_id}}"): LOOKS,
    ("POST", f"{ADMIN}/clients/{{client_id}}/suspension"): {
        Role.CLIENT_ADMINISTRATOR,
        Role.HALTS,
    },
    ("POST", f"{ADMIN}/clients/{{client_id}}/activation"): {Role.CLIENT_ADMINISTRATOR},
    ("PUT", f"{ADMIN}/clients/{{client_id}}/limits"): {Role.CLIENT_ADMINISTRATOR},
    ("PUT", f"{ADMIN}/clients/{{client_id}}/signing"): {Role.CLIENT_ADMINISTRATOR},
    ("POST", f"{ADMIN}/clients/{{client_id}}/second-factor-reset"): {Role.CLIENT_ADMINISTRATOR},
    ("POST", f"{ADMIN}/clients/{{client_id}}/secret-rotation"): {Role.CLIENT_ADMINISTRATOR},
    ("POST", f"{ADMIN}/clients/{{client_id}}/deposits"): {Role.TRANSFERS},
    ("POST", f"{ADMIN}/clients/{{client_id}}/withdrawals"): {Role.TRANSFERS},
    ("POST", f"{ADMIN}/advances/{{trade_id}}/closure"): {Role.TRANSFERS},
    ("GET", f"{ADMIN}/proposals"): {Role.READER, Role.CLIENT_ADMINISTRATOR, Role.TRANSFERS},
    ("GET", f"{ADMIN}/proposals/{{proposal_id}}"): {
        Role.READER,
        Role.CLIENT_ADMINISTRATOR,
        Role.TRANSFERS,
    },
    ("POST", f"{ADMIN}/proposals/{{proposal_id}}/approval"): {
        Role.CLIENT_ADMINISTRATOR,
        Role.TRANSFERS,
    },
    ("POST", f"{ADMIN}/proposals/{{proposal_id}}/rejection"): {
        Role.CLIENT_ADMINISTRATOR,
        Role.TRANSFERS,
    },
    ("PUT", f"{ADMIN}/instruments/{{symbol}}/halt"): {Role.HALTS},
    ("PUT", f"{ADMIN}/instruments/{{symbol}}/resume"): {Role.HALTS},
    ("PUT", f"{ADMIN}/clients/{{client_id}}/keys/{{api_key}}/disable"): {Role.CLIENT_ADMINISTRATOR},
    ("PUT", f"{ADMIN}/clients/{{client_id}}/keys/{{api_key}}/enable"): {Role.CLIENT_ADMINISTRATOR},
    ("PUT", f"{ADMIN}/clients/{{client_id}}/keys/{{api_key}}/public-key"): {
        Role.CLIENT_ADMINISTRATOR
    },
    ("GET", f"{ADMIN}/operators/{{operator}}"): {Role.OPERATOR_ADMINISTRATOR},
    ("PUT", f"{ADMIN}/operators/{{operator}}/disable"): {Role.OPERATOR_ADMINISTRATOR},
    ("PUT", f"{ADMIN}/operators/{{operator}}/enable"): {Role.OPERATOR_ADMINISTRATOR},
    ("GET", f"{ADMIN}/venues/{{venue}}/key"): {
        Role.READER,
        Role.HALTS,
        Role.OPERATOR_ADMINISTRATOR,
    },
    ("PUT", f"{ADMIN}/venues/{{venue}}/key/disable"): {Role.HALTS, Role.OPERATOR_ADMINISTRATOR},
    ("PUT", f"{ADMIN}/venues/{{venue}}/key/enable"): {Role.OPERATOR_ADMINISTRATOR},
}
GUARDED = tuple(route for route in INTERNAL_ROUTES if not route.signed)
TABLES = ("accounts", "clients", "control", "credentials", "idempotency", "ledger", "orders")


@pytest.fixture(autouse=True)
def anna(system: System) -> None:
    """An operator with an API key, which signs where a route needs it."""
    add_key(system.dynamodb, principal("anna", "clients:read"))


def attempt(system: System, route: Route, permissions: str) -> tuple[int, dict[str, Any]]:
    """Call the route without a body, as an operator who holds these permissions."""
    path = re.sub(r"{\w+}", "nothing", route.path)
    headers = {"Idempotency-Key": "key-1", "X-Correlation-Id": "case-7"}
    claims = principal("anna", permissions)
    event = proxy_event(route, route.method, path, "", headers.items(), b"", claims=claims)
    status, body, _ = system.call(route.function, event)
    return status, body


def trail(system: System) -> list[AuditEntry]:
    return TableAuditTrail(system.dynamodb, f"{PREFIX}audit", system.now).of("operator/anna")


def test_every_route_of_the_internal_api_says_which_roles_it_is_open_to() -> None:
    assert OPENED_TO.keys() == {(route.method, route.path) for route in GUARDED}


@pytest.mark.parametrize("role", Role)
def test_a_role_opens_its_routes_and_no_others(system: System, role: Role) -> None:
    before = stored(system, TABLES)
    opened = set()
    for route in GUARDED:
        status, body = attempt(system, route, " ".join(permissions_of([role])))
        if (status, body.get("code")) != (403, "FORBIDDEN"):
            expected = (200,) if route.path.endswith("/proposals") else (404, 422)
            assert status in expected, (route, body)
            opened.add((route.method, route.path))
    assert opened == {route for route, roles in OPENED_TO.items() if role in roles}
    if role is not Role.OPERATIONS:  # it asks for steps of orders that do not exist
        assert stored(system, TABLES) == before
    assert len(trail(system)) == len(GUARDED) - len(opened)


@pytest.mark.parametrize("held", ["", " ".join(CLIENT_PERMISSIONS), "admin:read admin:write"])
def test_without_a_role_every_route_is_closed(system: System, held: str) -> None:
    for route in GUARDED:
        status, body = attempt(system, route, held)
        assert (status, body["code"]) == (403, "FORBIDDEN"), route


def test_a_refused_attempt_is_in_the_audit_log(system: System) -> None:
    for method, path, permission in (
        ("PUT", f"{ADMIN}/instruments/{{symbol}}/halt", "instruments:write"),
        ("POST", "/api/v1/settlement/{trade_id}", "settlement:write"),
    ):
        route = next(r for r in GUARDED if (r.method, r.path) == (method, path))
        assert attempt(system, route, "clients:read")[0] == 403
        entry = trail(system)[-1]
        assert (entry.action, entry.who) == ("refused", "anna (key-anna)")
        assert entry.reason == f"lacks the permission {permission}"
        assert entry.details == {
            "method": method,
            "path": re.sub(r"{\w+}", "nothing", path),
            "request_id": entry.details["request_id"],
            "correlation_id": "case-7",
        }
        assert entry.details["request_id"]


def test_an_attempt_that_cannot_be_recorded_is_refused_all_the_same(system: System) -> None:
    system.dynamodb.delete_table(TableName=f"{PREFIX}audit")
    before = stored(system, TABLES)
    for route in GUARDED:
        status, body = attempt(system, route, "")
        assert (status, body["code"]) == (503, "UNAVAILABLE"), route
    assert stored(system, TABLES) == before
