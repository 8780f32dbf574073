"""Tokens that have expired or were ended, at every route of both APIs."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from infra.catalog.routes import INTERNAL_ROUTES, PUBLIC_ROUTES, Route
from tests.fakes.api_events import principal, request
from tests.fakes.api_gateway import proxy_event
from tests.integration.backing import PREFIX
from tests.integration.signing import add_key
from tests.integration.system import System
from tests.integration.trading.admin import ask, create, log_in
from tests.integration.trading.books import items
from tests.integration.trading.orders import ORDER
from trading.domain.clients.credentials import CLIENT_PERMISSIONS
from trading.domain.clients.roles import ALL_ROLES, permissions_of

ROUTES = [route for route in (*PUBLIC_ROUTES, *INTERNAL_ROUTES) if not route.signed]
ARN = "arn:aws:execute-api:us-east-1:123456789012:api1234567/test/GET/api/v1/orders"
EVERYTHING = " ".join((*CLIENT_PERMISSIONS, *permissions_of(ALL_ROLES)))
TABLES = ("accounts", "audit", "clients", "control", "credentials", "idempotency", "ledger")


def stored(system: System) -> list[Any]:
    return [list(items(system.dynamodb, f"{PREFIX}{table}")) for table in (*TABLES, "orders")]


def answer(system: System, route: Route, claims: dict[str, str]) -> tuple[int, dict[str, Any]]:
    path = re.sub(r"{\w+}", "alice", route.path)
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    body = b"" if route.method in ("GET", "DELETE") else b"{}"
    status, problem, _ = system.call(
        route.function,
        proxy_event(route, route.method, path, "", headers.items(), body, claims=claims),
    )
    return status, problem


@pytest.mark.parametrize("seconds", [0, 1, 3600])
def test_every_route_refuses_an_expired_token_and_does_nothing(
    system: System, seconds: int
) -> None:
    """API Gateway may still hold the verdict of the authorizer."""
    ended_at = str(int(system.now().timestamp()) - seconds)
    add_key(system.dynamodb, principal(permissions=EVERYTHING))
    before = stored(system)
    for route in ROUTES:
        claims = principal(permissions=EVERYTHING) | {"expires_at": ended_at}
        status, problem = answer(system, route, claims)
        assert (status, problem["code"]) == (401, "UNAUTHENTICATED"), route
        assert "expired" in problem["detail"]
    assert stored(system) == before


def test_every_route_of_clients_refuses_a_token_that_was_ended(system: System) -> None:
    _, issued, _ = create(system)
    claims = verdict(system, issued, "log-in-1")
    ask(system, "POST", "clients/dave/suspension", key="suspend-1")
    for route in (route for route in PUBLIC_ROUTES if not route.signed):
        status, problem = answer(system, route, claims | {"permissions": EVERYTHING})
        assert (status, problem["code"]) == (401, "UNAUTHENTICATED"), route
        assert "ended" in problem["detail"]


def verdict(system: System, issued: dict[str, Any], key: str) -> dict[str, str]:
    """What the authorizer says of a new token."""
    status, body = log_in(system, issued["api_key"], issued["api_secret"], key)
    assert status == 200, body
    headers = {"Authorization": f"Bearer {body['jwt_token']}"}
    event = {"type": "REQUEST", "methodArn": ARN, "headers": headers}
    context: dict[str, str] = system.invoke("authorizer", event)["context"]
    return context


def orders(system: System, claims: dict[str, str]) -> int:
    return system.call("orders", request("GET", "/api/v1/orders", authorizer=claims))[0]


def places(system: System, claims: dict[str, str], key: str) -> tuple[int, str]:
    body = ORDER | {"client_id": "dave"}
    event = request(
        "POST", "/api/v1/orders", body, headers={"Idempotency-Key": key}, authorizer=claims
    )
    status, told, _ = system.call("orders", event)
    return status, (told.get("reason") or told)["code"]


def suspended(system: System, issued: dict[str, Any]) -> dict[str, Any]:
    ask(system, "POST", "clients/dave/suspension", key="suspend-1")
    status, problem = log_in(system, issued["api_key"], issued["api_secret"], "log-in-2")
    assert (status, problem["code"]) == (403, "CLIENT_INACTIVE")
    ask(system, "POST", "clients/dave/activation", key="activate-1")
    return issued


def disabled(system: System, issued: dict[str, Any]) -> dict[str, Any]:
    path = f"clients/dave/keys/{issued['api_key']}"
    assert ask(system, "PUT", f"{path}/disable", key="disable-1")[1]["status"] == "INACTIVE"
    status, problem = log_in(system, issued["api_key"], issued["api_secret"], "log-in-2")
    assert (status, problem["code"]) == (403, "CLIENT_INACTIVE")
    assert ask(system, "PUT", f"{path}/enable", key="enable-1")[1]["status"] == "ACTIVE"
    return issued


def rotated(**how: Any) -> Callable[[System, dict[str, Any]], dict[str, Any]]:
    def rotate(system: System, issued: dict[str, Any]) -> dict[str, Any]:
        body = {"api_key": issued["api_key"], **how}
        return ask(
            system, "POST", "clients/dave/secret-rotation", body, "-".join(map(str, how.values()))
        )[1]

    return rotate


@pytest.mark.parametrize(
    "end",
    [suspended, disabled, rotated(grace_hours=0), rotated(newest_was_lost=True)],
    ids=["suspension", "disabled", "no grace", "lost"],
)
def test_a_token_ends_with_its_client_or_its_secret_and_a_new_log_in_works(
    system: System, end: Callable[[System, dict[str, Any]], dict[str, Any]]
) -> None:
    _, issued, _ = create(system)
    old = verdict(system, issued, "log-in-1")
    assert orders(system, old) == 200
    current = end(system, issued)
    assert (orders(system, old), places(system, old, "p-1")) == (401, (401, "UNAUTHENTICATED"))
    # A repeated log-in does not bring the old token back.
    new = verdict(system, current, "log-in-1" if current == issued else "log-in-3")
    assert orders(system, new) == 200
    assert places(system, new, "p-2") == (201, "INSUFFICIENT_FUNDS")
    system.venues.pass_time(800)
    assert (orders(system, old), orders(system, new)) == (401, 200)


def test_a_token_outlives_a_rotation_with_a_grace_time(system: System) -> None:
    _, issued, _ = create(system)
    old = verdict(system, issued, "log-in-1")
    current = rotated(grace_hours=2)(system, issued)
    assert (orders(system, old), orders(system, verdict(system, current, "log-in-2"))) == (200, 200)
    rotated(grace_hours=1)(system, issued)  # ends the first secret, which was still valid
    assert orders(system, old) == 401
