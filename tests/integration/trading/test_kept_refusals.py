"""A refusal under an Idempotency-Key is an answer: a late copy of the request gets it again. The
table of the page about exactly-once effects is held to the routes.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.catalog.routes import INTERNAL_ROUTES, PUBLIC_ROUTES
from tests.fakes.api_events import header, principal, request
from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.admin import DAVE, LIMITS, OPERATOR, REASON, ask, stored
from tests.integration.trading.books import items
from tests.integration.trading.orders import new_order, place
from tests.integration.trading.test_orders_cancel_api import delete
from trading.adapters.http.idempotency import Done, Idempotency
from trading.adapters.http.problems import HttpError
from trading.domain import identifiers
from trading.usecases.ports import NotFoundError, StaleError

PAGE = Path(__file__).resolve().parents[3] / "docs/explanation/exactly-once.md"
ROUTES = {
    f"{route.method} {route.path}": route.function
    for route in (*PUBLIC_ROUTES, *INTERNAL_ROUTES)
    if route.method not in ("GET", "HEAD", "OPTIONS")
}
ROWS: dict[str, str] = dict(
    re.findall(r"^\| `([A-Z]+ /[^`]+)` \| [^|]+ \| ([^|]+) \|$", PAGE.read_text(), re.MULTILINE)
)
KEPT = sorted(route for route, kept in ROWS.items() if kept == "kept for 24 hours")
NOBODY = {"client_id": "nobody", "order_id": "ord_" + 26 * "0", "trade_id": 32 * "0"}
STEPS = principal("internal-service", "execution:write clearing:write settlement:write")
BODIES: dict[str, dict[str, Any]] = {
    "clients": DAVE | {"client_id": "carol"},
    "limits": LIMITS | {"version": 1},
    "secret-rotation": {"api_key": "key-nobody"},
    "signing": {"required": True},
    "public-key": {"public_key": None},
    "deposits": {"reference": "ref-1", "amount": "1.00"},
    "withdrawals": {"reference": "ref-1", "amount": "1.00"},
    "closure": {"repaid_cash": "0.00", "repaid_shares": 0, "reference": "case-1"},
}

QUERIES = {"/api/v1/orders:by_client_order_id": {"client_order_id": "nothing"}}


def refused_event(route: str) -> dict[str, Any]:
    """A request in the right form about something that does not exist, or exists already."""
    method, path = route.split()
    filled = re.sub(r"{(\w+)}", lambda name: NOBODY.get(name[1], "NONE"), path)
    body: dict[str, Any] | None = None
    authorizer = principal("alice", "orders:write")
    if "/admin/" in path:
        body = {"reason": REASON} | BODIES.get(path.rpartition("/")[2], {})
        authorizer = OPERATOR
    elif ROUTES[route] == "internal":
        authorizer = STEPS
    elif method == "PATCH":
        body = {"quantity": 1}
    event = request(
        method, filled, body, headers={"Idempotency-Key": "late"}, authorizer=authorizer
    )
    query = QUERIES.get(path, {})
    return event | {
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {name: [query[name]] for name in query} or None,
    }


def test_the_table_lists_every_route_that_changes_something() -> None:
    assert ROWS.keys() == ROUTES.keys()
    assert set(ROWS.values()) == {"kept for 24 hours", "stored as an order", "none by state"}


@pytest.mark.parametrize("route", KEPT)
def test_a_refusal_is_kept_and_comes_again(system: System, route: str) -> None:
    event = refused_event(route)
    status, refused, first = system.call(ROUTES[route], event)
    assert status in (404, 409, 422), refused
    assert refused["code"] != "VALIDATION_FAILED", refused
    assert header(first, "Idempotency-Replayed") is None
    status_again, again, answer = system.call(ROUTES[route], event)
    assert status_again == status
    assert again | {"request_id": ""} == refused | {"request_id": ""}
    assert header(answer, "Idempotency-Replayed") == "true"


def test_a_late_copy_of_a_refused_cancel_cancels_nothing(system: System) -> None:
    order_id = identifiers.order_id("alice", "key-1")
    assert delete(system, order_id)[0] == 404
    assert place(system, price="200.00")["order_id"] == order_id
    assert delete(system, order_id)[0] == 404
    order = system.books.order(order_id)
    assert order is not None
    assert order.ending is None
    assert delete(system, order_id, key="a-new-key")[0] == 202


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/api/v1/orders/{}", None),
        ("PATCH", "/api/v1/orders/{}", {"quantity": 3}),
        ("POST", "/api/v1/trade/{}/cancel", None),
    ],
)
def test_an_order_that_is_named_in_another_way_makes_no_other_request(
    system: System, method: str, path: str, body: dict[str, Any] | None
) -> None:
    order_id = identifiers.order_id("alice", "key-1")

    def ask_for(name: str) -> tuple[int, str, str | None]:
        event = request(
            method,
            path.format(name),
            body,
            headers={"Idempotency-Key": "late"},
            authorizer=principal("alice", "orders:write"),
        )
        status, problem, answer = system.call("orders", event)
        return status, problem.get("code", ""), header(answer, "Idempotency-Replayed")

    assert ask_for(order_id) == (404, "NOT_FOUND", None)
    assert place(system, price="200.00")["order_id"] == order_id
    assert ask_for("key-1") == ask_for(order_id) == (404, "NOT_FOUND", "true")


def test_a_rejected_order_stays_rejected(system: System) -> None:
    dear = new_order(quantity=500)
    _, rejected, _ = system.call("orders", dear)
    assert rejected["reason"]["code"] == "INSUFFICIENT_FUNDS"
    deposit = {"reference": "ref-1", "amount": "100000.00"}
    assert ask(system, "POST", "clients/alice/deposits", deposit)[0] == 201
    status, again, answer = system.call("orders", dear)
    assert (status, again) == (201, rejected)
    assert header(answer, "Idempotency-Replayed") == "true"


def test_a_key_that_was_refused_still_names_its_request(system: System) -> None:
    body = {"reference": "ref-1", "amount": "999999.00"}
    path = "clients/carol/withdrawals"
    assert ask(system, "POST", path, body)[1]["code"] == "NOT_WITHDRAWABLE"
    status, problem, _ = ask(system, "POST", path, body | {"amount": "1.00"})
    assert (status, problem["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


class App:
    """What `Idempotency` reads of the request at hand."""

    idempotency_key = "key-1"
    target = "POST /api/v1/orders"
    digest = "digest-1"
    powertools = SimpleNamespace(lambda_context=None)


def test_of_two_copies_at_once_one_decides_and_the_other_waits(system: System) -> None:
    idempotency = Idempotency(system.dynamodb, f"{PREFIX}idempotency")
    app: Any = App()

    def ask_once(effect: Callable[[], Done]) -> HttpError:
        with pytest.raises(HttpError) as refused:
            idempotency.once(app, "alice", Done, effect)
        return refused.value

    def refuse() -> Done:
        copies.append(ask_once(Done))
        raise NotFoundError("There is no such order.", field="order_id")

    copies: list[HttpError] = []
    first = ask_once(refuse)
    assert [copy.code for copy in copies] == ["IN_PROGRESS"]
    again = ask_once(Done)
    assert (first.code, again.code, again.message) == ("NOT_FOUND", "NOT_FOUND", first.message)
    assert again.errors == first.errors


def test_what_is_no_answer_is_not_kept(system: System) -> None:
    idempotency = Idempotency(system.dynamodb, f"{PREFIX}idempotency")
    app: Any = App()

    def busy() -> Done:
        raise StaleError

    for effect in (busy, busy):
        with pytest.raises(StaleError):
            idempotency.once(app, "alice", Done, effect)
    assert not idempotency.once(app, "alice", Done, Done).replayed


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "clients", DAVE),
        ("PUT", "clients/carol/limits", LIMITS | {"version": 1}),
        ("POST", "clients/carol/suspension", {}),
        ("POST", "clients/carol/deposits", {"reference": "in-1", "amount": "5.00"}),
        ("POST", "clients/carol/deposits", {"reference": "in-1", "amount": "500000.00"}),
    ],
    ids=["create", "limits", "suspend", "deposit", "proposal"],
)
def test_a_record_of_another_release_does_nothing_twice(
    system: System, method: str, path: str, body: dict[str, Any]
) -> None:
    status, first, _ = ask(system, method, path, body)
    not_repeated = {"api_secret": None, "note": None} if "api_secret" in first else {}
    before = stored(system, ("accounts", "clients", "credentials", "ledger", "proposals"))
    (record,) = items(system.dynamodb, f"{PREFIX}idempotency")
    for fields in ({"of_another_release": 1}, {next(iter(first)): None}):
        kept = json.loads(record["data"])
        told = kept["answer"].get("done") or kept["answer"].get("proposal") or kept["answer"]
        told |= fields
        system.dynamodb.update_item(
            TableName=f"{PREFIX}idempotency",
            Key={"id": {"S": record["id"]}},
            UpdateExpression="SET #data = :data",
            ExpressionAttributeNames={"#data": "data"},
            ExpressionAttributeValues={":data": {"S": json.dumps(kept)}},
        )
        again, answer, whole = ask(system, method, path, body)
        assert (again, answer | not_repeated) == (status, first | not_repeated)
        assert header(whole, "Idempotency-Replayed") == "true"
    after = stored(system, ("accounts", "clients", "credentials", "ledger", "proposals"))
    assert after == before
