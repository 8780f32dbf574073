"""Operators and venues are not clients: no route of the admin API changes anything of theirs."""

from typing import Any

import pytest

from infra.catalog.routes import INTERNAL_ROUTES
from tests.fakes.builders import make_secret
from tests.integration.backing import PREFIX
from tests.integration.signing import add_key
from tests.integration.system import System
from tests.integration.trading.admin import DAVE, LIMITS, OPERATOR, ask, create, stored
from tests.integration.trading.books import NAMES, items, put
from trading.adapters.dynamodb.registry import TableRegistry
from trading.domain.clients.credentials import (
    CLIENT_AUDIENCE,
    INTERNAL_AUDIENCE,
    Credential,
)
from trading.domain.clients.roles import ALL_ROLES, permissions_of

ADMIN = "/api/v1/admin/"
CHANGES = [
    (route.method, route.path.removeprefix(ADMIN))
    for route in INTERNAL_ROUTES
    if route.path.startswith(f"{ADMIN}clients/{{client_id}}") and route.method != "GET"
]
"""Every route that changes a client."""
BODIES: dict[str, dict[str, Any]] = {
    "suspension": {},
    "activation": {},
    "limits": {"version": 1, **LIMITS},
    "secret-rotation": {"api_key": "anna-1", "grace_hours": 0},
    "disable": {},
    "enable": {},
    "signing": {"required": True},
    "second-factor-reset": {},
    "public-key": {"public_key": None},
    "deposits": {"reference": "r", "amount": "1.00"},
    "withdrawals": {"reference": "r", "amount": "1.00"},
}
ANNA = Credential(
    api_key="anna-1",
    client_id="anna",
    secrets=(make_secret(),),
    permissions=permissions_of(ALL_ROLES),
    audience=INTERNAL_AUDIENCE,
    version=1,
)
NO_CLIENTS = ["anna", "anna-1", "XNYS", "depository", "lending", "error", "write-offs", "nobody"]
"""An operator, its key, venues, accounts of the broker, and nobody."""
KEPT = ("accounts", "clients", "credentials", "factors", "ledger", "orders", "control")


@pytest.fixture(autouse=True)
def anna(system: System) -> None:
    """An operator, beside the one who sends the requests."""
    add_key(system.dynamodb, OPERATOR)
    put(system.dynamodb, f"{PREFIX}credentials", ANNA.model_dump())


def test_the_bodies_cover_every_route_that_changes_a_client() -> None:
    assert {path.rpartition("/")[2] for _, path in CHANGES} == set(BODIES)


@pytest.mark.parametrize(("method", "path"), CHANGES, ids=str)
def test_no_change_is_made_to_what_is_no_client(system: System, method: str, path: str) -> None:
    before = stored(system, KEPT)
    body = BODIES[path.rpartition("/")[2]]
    for number, client_id in enumerate(NO_CLIENTS):
        status, problem, _ = ask(
            system,
            method,
            path.format(client_id=client_id, api_key="anna-1"),
            body,
            f"change-{number}",
        )
        assert (status, problem["code"]) == (404, "NOT_FOUND"), client_id
    assert stored(system, KEPT) == before


@pytest.mark.parametrize("client_id", ["dave", "anna", "alice"])
@pytest.mark.parametrize("api_key", ["anna-1", "XNYS", "depository", "nobody"])
@pytest.mark.parametrize("how", [{"grace_hours": 0}, {}, {"newest_was_lost": True}])
def test_only_a_key_of_the_client_gets_a_new_secret(
    system: System, client_id: str, api_key: str, how: dict[str, Any]
) -> None:
    create(system)
    before = stored(system, KEPT)
    body = {"api_key": api_key, **how}
    status, problem, _ = ask(system, "POST", f"clients/{client_id}/secret-rotation", body)
    assert (status, problem["code"]) == (404, "NOT_FOUND")
    assert stored(system, KEPT) == before


@pytest.mark.parametrize(
    "client_id", ["anna", "XNYS", "depository", "lending", "error", "write-offs"]
)
def test_no_client_gets_the_name_of_an_operator_or_a_venue(system: System, client_id: str) -> None:
    before = stored(system, KEPT)
    for key in ("create-1", "create-2"):
        status, problem, _ = ask(system, "POST", "clients", DAVE | {"client_id": client_id}, key)
        assert (status, problem["code"]) == (409, "CLIENT_ID_RESERVED")
        assert problem["errors"][0]["field"] == "client_id"
    assert stored(system, KEPT) == before


@pytest.mark.parametrize("path", ["clients/anna", "clients/anna/orders", "clients/anna/portfolio"])
def test_an_operator_is_not_shown_as_a_client(system: System, path: str) -> None:
    status, problem, _ = ask(system, "GET", path)
    assert status in (403, 404), problem


def test_a_client_of_the_same_name_neither_shows_nor_ends_the_operators_key(
    system: System,
) -> None:
    """A client from before ids were reserved."""
    create(system)
    namesake = ANNA.model_copy(update={"client_id": "dave"})
    put(system.dynamodb, f"{PREFIX}credentials", namesake.model_dump())
    _, shown, _ = ask(system, "GET", "clients/dave")
    assert [key["api_key"] for key in shown["api_keys"]] != []
    assert "anna-1" not in str(shown)
    ask(system, "POST", "clients/dave/suspension", key="suspend-1")
    (kept,) = [
        item
        for item in items(system.dynamodb, f"{PREFIX}credentials")
        if item["api_key"] == "anna-1"
    ]
    assert (kept["generation"], kept["version"]) == (0, 1)


def test_the_registry_of_one_audience_writes_no_key_of_another(system: System) -> None:
    for audience, other in (
        (CLIENT_AUDIENCE, INTERNAL_AUDIENCE),
        (INTERNAL_AUDIENCE, CLIENT_AUDIENCE),
    ):
        registry = TableRegistry(
            system.dynamodb, NAMES, f"{PREFIX}credentials", system.books, audience
        )
        with pytest.raises(ValueError, match="is not for"):
            registry.commit(ANNA.model_copy(update={"audience": other}))
