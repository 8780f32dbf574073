"""Each look of an operator at a client is in the audit log before anything is shown."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from infra.catalog.routes import INTERNAL_ROUTES
from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading import entities
from tests.integration.trading.admin import OPERATOR, admin_event, ask
from tests.integration.trading.books import put
from tests.integration.trading.orders import place
from tests.integration.trading.test_admin_lookup import RESTING
from trading.adapters.dynamodb.audit import AuditEntry, TableAuditTrail

ADMIN = "/api/v1/admin/"
LOOKS = {
    "clients/{client_id}": "profile",
    "clients/{client_id}/orders": "orders",
    "clients/{client_id}/portfolio": "portfolio",
    "orders/{order_id}": "order",
    "proposals/{proposal_id}": "proposal",
}
"""What the log says of each route that shows something of a client."""
NOT_OF_CLIENTS = {"operators/{operator}", "proposals", "venues/{venue}/key"}


def trail(system: System) -> TableAuditTrail:
    return TableAuditTrail(system.dynamodb, f"{PREFIX}audit", system.now)


def entries(system: System, subject: str = "client/alice") -> list[AuditEntry]:
    return trail(system).of(subject)


def look(system: System, path: str, **options: Any) -> tuple[int, Any]:
    event = admin_event("GET", path, **options)
    event["headers"]["X-Correlation-Id"] = "case-7"
    event["multiValueHeaders"]["X-Correlation-Id"] = ["case-7"]
    event["requestContext"]["requestId"] = f"request-{uuid4()}"
    status, body, _ = system.call("admin", event)
    return status, body


@pytest.fixture
def paths(system: System) -> dict[str, str]:
    """The path of each route, with a client and an order in it."""
    order_id = place(system, **RESTING)["order_id"]
    proposal = entities.proposal()
    put(system.dynamodb, f"{PREFIX}proposals", proposal.model_dump(exclude_none=True))
    named = {"client_id": "alice", "order_id": order_id, "proposal_id": proposal.proposal_id}
    return {path: path.format(**named) for path in LOOKS}


def test_every_route_that_reads_says_what_it_shows() -> None:
    reads = {route.path.removeprefix(ADMIN) for route in INTERNAL_ROUTES if route.method == "GET"}
    assert reads == LOOKS.keys() | NOT_OF_CLIENTS


@pytest.mark.parametrize("path", LOOKS)
def test_a_look_is_recorded(system: System, paths: dict[str, str], path: str) -> None:
    for number in (1, 2):  # the second look takes the next microsecond
        assert look(system, paths[path])[0] == 200
        *_, entry = found = entries(system)
        assert len(found) == number
        assert (entry.action, entry.who) == ("look", "operations (key-operations)")
        assert (entry.reason, entry.at) == (
            LOOKS[path],
            system.now() + timedelta(microseconds=number - 1),
        )
        assert entry.details["path"] == f"{ADMIN}{paths[path]}"
        assert (entry.details["method"], entry.details["correlation_id"]) == ("GET", "case-7")
        assert entry.details["request_id"].startswith("request-")
        assert entry.details.get("order_id", "") in paths[path]


@pytest.mark.parametrize("path", LOOKS)
def test_what_cannot_be_recorded_is_not_shown(
    system: System, paths: dict[str, str], path: str
) -> None:
    system.dynamodb.delete_table(TableName=f"{PREFIX}audit")
    status, problem = look(system, paths[path])
    assert (status, problem["code"]) == (503, "UNAVAILABLE")
    assert "alice" not in problem["detail"]


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("clients/nobody", "client/nobody"),
        ("clients/nobody/orders", "client/nobody"),
        ("clients/nobody/portfolio", "client/nobody"),
        ("orders/ord_0", "order/ord_0"),
    ],
)
def test_a_look_for_what_does_not_exist_is_recorded(
    system: System, path: str, subject: str
) -> None:
    assert look(system, path)[0] == 404
    (entry,) = entries(system, subject)
    assert entry.action == "look"


def test_a_look_that_is_refused_is_an_attempt_and_no_look(
    system: System, paths: dict[str, str]
) -> None:
    for path in paths.values():
        assert look(system, path, authorizer=OPERATOR | {"permissions": "clients:write"})[0] == 403
    assert entries(system) == []
    refused = entries(system, "operator/operations")
    assert [entry.action for entry in refused] == ["refused"] * len(paths)


def test_looks_are_listed_apart_from_changes(system: System, paths: dict[str, str]) -> None:
    assert ask(system, "PUT", "instruments/AAPL/halt")[0] == 200
    for path in paths.values():
        look(system, path)
    assert [entry.action for entry in trail(system).latest(10)] == ["halted", "halt"]
    assert {entry.action for entry in trail(system).latest(10, looks=True)} == {"look"}
    assert len(trail(system).latest(10, looks=True)) == len(paths)
