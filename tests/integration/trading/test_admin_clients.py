"""The admin API over the tables: clients, audit and halts."""

from typing import Any

import pytest

from tests.fakes.api_events import header
from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.admin import ask, audited, create, log_in, show
from tests.integration.trading.books import items
from tests.integration.trading.orders import new_order, place


def test_a_new_client_can_log_in_be_funded_and_trade(system: System) -> None:
    status, issued, answer = create(system)
    assert (status, issued["client_id"], issued["note"]) == (201, "dave", None)
    assert header(answer, "Location") == "/api/v1/admin/clients/dave"
    assert log_in(system, issued["api_key"], issued["api_secret"], "log-in-1")[0] == 200
    assert (
        ask(system, "POST", "clients/dave/deposits", {"reference": "wire-1", "amount": "30000.00"})[
            0
        ]
        == 201
    )
    assert place(system, "order-1", client_id="dave")["status"] == "VALIDATED"
    shown = show(system, "dave")
    assert (shown["status"], shown["margin_percent"], shown["version"]) == ("ACTIVE", "50.00", 1)
    assert [key["api_key"] for key in shown["api_keys"]] == [issued["api_key"]]
    assert audited(system, "client/dave") == ["create", "created", "deposit", "deposited"]
    assert system.findings() == []


def test_a_repeated_creation_returns_the_key_and_the_secret_is_stored_nowhere(
    system: System,
) -> None:
    _, first, _ = create(system)
    status, again, answer = create(system)
    assert (status, again["api_key"], again["api_secret"]) == (201, first["api_key"], None)
    assert "rotate" in again["note"]
    assert header(answer, "Idempotency-Replayed") == "true"
    for table in ("idempotency", "credentials", "audit", "clients"):
        assert first["api_secret"] not in str(list(items(system.dynamodb, f"{PREFIX}{table}")))


def test_a_creation_whose_record_is_lost_is_repeated_without_harm(system: System) -> None:
    _, first, _ = create(system)
    for record in items(system.dynamodb, f"{PREFIX}idempotency"):
        system.dynamodb.delete_item(
            TableName=f"{PREFIX}idempotency", Key={"id": {"S": record["id"]}}
        )
    status, again, answer = create(system)
    assert (status, again["api_key"], again["api_secret"]) == (201, first["api_key"], None)
    assert header(answer, "Idempotency-Replayed") == "true"
    assert log_in(system, first["api_key"], first["api_secret"], "log-in-1")[0] == 200


def test_a_client_cannot_be_created_twice(system: System) -> None:
    create(system)
    status, problem, _ = create(system, "create-2")
    assert (status, problem["code"], problem["errors"][0]["field"]) == (
        409,
        "CLIENT_EXISTS",
        "client_id",
    )
    status, problem, _ = create(system, name="Another")
    assert (status, problem["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert show(system, "dave")["name"] == "Dave"


def test_a_suspended_client_cannot_log_in_or_trade_and_its_orders_are_canceled(
    system: System,
) -> None:
    _, issued, _ = create(system)
    ask(system, "POST", "clients/dave/deposits", {"reference": "wire-1", "amount": "30000.00"})
    order_id = place(system, "order-1", client_id="dave", price="200.00")["order_id"]
    status, body, _ = ask(system, "POST", "clients/dave/suspension")
    assert (status, body["status"], body["orders_to_cancel"]) == (200, "INACTIVE", 1)
    assert (
        log_in(system, issued["api_key"], issued["api_secret"], "log-in-1")[1]["code"]
        == "CLIENT_INACTIVE"
    )
    assert place(system, "order-2", client_id="dave")["reason"]["code"] == "CLIENT_INACTIVE"
    system.run_until(lambda: system.status(order_id) == "CANCELED")
    assert system.books.account("dave").held == 0
    system.venues.pass_time(1)
    assert (
        ask(system, "POST", "clients/dave/suspension", key="again")[1]["version"]
        == body["version"]
        == 2
    )
    assert ask(system, "POST", "clients/dave/activation")[1]["status"] == "ACTIVE"
    assert log_in(system, issued["api_key"], issued["api_secret"], "log-in-2")[0] == 200
    assert place(system, "order-3", client_id="dave")["status"] == "VALIDATED"
    assert audited(system, "client/dave")[-6:] == [
        *("suspend", "suspended"),
        *("suspend", "suspended"),
        *("activate", "activated"),
    ]
    assert system.findings() == []


SWITCHES: list[tuple[str, str, str, str, Any]] = [
    ("POST", "clients/alice/suspension", "POST", "clients/alice/activation", "ACTIVE"),
    ("PUT", "instruments/AAPL/halt", "PUT", "instruments/AAPL/resume", True),
]


@pytest.mark.parametrize(("method", "on", "method_off", "off", "state"), SWITCHES)
def test_a_late_copy_of_a_request_does_not_undo_a_newer_one(
    system: System, method: str, on: str, method_off: str, off: str, state: Any
) -> None:
    first = ask(system, method, on)
    assert ask(system, method_off, off)[0] == 200
    noted = len(list(items(system.dynamodb, f"{PREFIX}audit")))
    status, again, answer = ask(system, method, on)
    assert (status, again) == first[:2] == (200, again)
    assert header(answer, "Idempotency-Replayed") == "true"
    assert header(first[2], "Idempotency-Replayed") is None
    assert len(list(items(system.dynamodb, f"{PREFIX}audit"))) == noted, "a replay must do nothing"
    instrument = system.books.instrument("AAPL")
    assert instrument
    assert state in (show(system, "alice")["status"], instrument.tradable)


def test_without_the_audit_log_nothing_is_done(system: System) -> None:
    system.dynamodb.delete_table(TableName=f"{PREFIX}audit")
    status, problem, _ = ask(system, "POST", "clients/alice/suspension")
    assert (status, problem["code"]) == (500, "INTERNAL")
    system.dynamodb.create_table(
        TableName=f"{PREFIX}audit",
        KeySchema=[
            {"AttributeName": "subject", "KeyType": "HASH"},
            {"AttributeName": "at", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("subject", "at")
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    assert show(system, "alice")["status"] == "ACTIVE"


def test_orders_for_a_halted_instrument_are_rejected_until_it_is_resumed(system: System) -> None:
    resting = place(system, "order-1", price="200.00")["order_id"]
    status, body, _ = ask(system, "PUT", "instruments/AAPL/halt")
    assert (status, body["tradable"]) == (200, False)
    system.venues.pass_time(61)
    assert place(system, "order-2")["reason"]["code"] == "INSTRUMENT_HALTED"
    assert system.status(resting) == "VALIDATED"
    assert ask(system, "PUT", "instruments/AAPL/resume")[1]["tradable"] is True
    system.venues.pass_time(61)
    assert system.call("orders", new_order("order-3"))[1]["status"] == "VALIDATED"
    assert audited(system, "instrument/AAPL") == ["halt", "halted", "resume", "resumed"]
