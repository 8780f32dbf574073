"""Requests to the admin API, as an operator sends them."""

from collections.abc import Iterable
from typing import Any

from tests.fakes.api_events import principal, request
from tests.fakes.signing import signed_log_in
from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.books import items
from trading.adapters.dynamodb.audit import TableAuditTrail
from trading.domain.clients.roles import ALL_ROLES, LOOK, permissions_of

OPERATOR = principal("operations", " ".join(permissions_of(ALL_ROLES)))
REASON = "ticket 4711"
DAVE: dict[str, Any] = {
    "client_id": "dave",
    "name": "Dave",
    "margin_percent": "50.00",
    "credit_limit": "20000.00",
    "daily_trading_limit": "50000.00",
    "settlement_account": "csd-dave",
}


def admin_event(
    method: str, path: str, body: dict[str, Any] | None = None, key: str = "admin-1", **options: Any
) -> dict[str, Any]:
    """A request of an operator, with a reason."""
    sent = {"reason": REASON, **(body or {})} if method != "GET" else None
    options = {"authorizer": OPERATOR} | options
    return request(
        method, f"/api/v1/admin/{path}", sent, headers={"Idempotency-Key": key}, **options
    )


def ask(
    system: System,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    key: str = "admin-1",
    **options: Any,
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Answers status, body and the whole response."""
    return system.call("admin", admin_event(method, path, body, key, **options))


def show(system: System, client_id: str) -> dict[str, Any]:
    """The client as an operator sees it."""
    status, body, _ = ask(system, "GET", f"clients/{client_id}")
    assert status == 200, body
    return body


LIMITS = {"margin_percent": "40.00", "credit_limit": "20000.00", "daily_trading_limit": "60000.00"}


def create(
    system: System, key: str = "create-1", **changes: Any
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    return ask(system, "POST", "clients", DAVE | changes, key)


def log_in(
    system: System,
    api_key: str,
    secret: str,
    key: str,
    function: str = "auth",
    private_key: str | None = None,
) -> tuple[int, dict[str, Any]]:
    """`private_key`: that of a program, in PEM, which signs the log-in."""
    body = {"api_key": api_key, "api_secret": secret}
    event = request("POST", "/api/v1/auth/token", body, headers={"Idempotency-Key": key})
    if private_key:
        event = signed_log_in(event, private_key, system.now(), api_key)
    status, answer, _ = system.call(function, event)
    return status, answer


def stored(system: System, tables: Iterable[str]) -> dict[str, list[Any]]:
    """All items of these tables but those that each request leaves: counts and nonces."""
    return {
        table: [
            item
            for item in items(system.dynamodb, f"{PREFIX}{table}")
            if not str(item.get("name")).startswith(("RATE#", "NONCE#"))
        ]
        for table in tables
    }


def audited(system: System, subject: str) -> list[str]:
    """The actions that were announced and done, without looks."""
    trail = TableAuditTrail(system.dynamodb, f"{PREFIX}audit", system.now)
    entries = [entry for entry in trail.of(subject) if entry.action != LOOK]
    assert {(entry.who, entry.reason) for entry in entries} <= {
        ("operations (key-operations)", REASON)
    }
    return [entry.action for entry in entries]
