"""The admin API over the tables: clients, limits, secrets."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.api_events import header, request
from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.admin import DAVE, OPERATOR, REASON, ask, show
from tests.integration.trading.books import NAMES, items, put
from tests.integration.trading.orders import new_order, place
from trading.adapters.dynamodb.audit import TableAuditTrail
from trading.domain.accounts.cash import Account


def log_in(system: System, api_key: str, secret: str, key: str) -> tuple[int, dict[str, Any]]:
    body = {"api_key": api_key, "api_secret": secret}
    status, answer, _ = system.call(
        "auth", request("POST", "/api/v1/auth/token", body, headers={"Idempotency-Key": key})
    )
    return status, answer


def audited(system: System, subject: str) -> list[str]:
    entries = TableAuditTrail(system.dynamodb, f"{PREFIX}audit", system.now).of(subject)
    assert {(entry.who, entry.reason) for entry in entries} <= {
        ("operations (key-operations)", REASON)
    }
    return [entry.action for entry in entries]


def create(
    system: System, key: str = "create-1", **changes: Any
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    return ask(system, "POST", "clients", DAVE | changes, key)


def test_a_new_client_logs_in_is_funded_and_trades(system: System) -> None:
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


def test_a_repeated_creation_answers_the_same_key_without_the_secret_that_is_kept_nowhere(
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


def test_a_client_is_created_once(system: System) -> None:
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


LIMITS = {"margin_percent": "40.00", "credit_limit": "20000.00", "daily_trading_limit": "60000.00"}


def test_a_changed_credit_limit_moves_what_is_available_of_it(system: System) -> None:
    place(system, "order-1", client_id="bob")
    before = system.books.account("bob")
    assert before.credit_held > 0
    status, body, _ = ask(system, "PUT", "clients/bob/limits", {"version": 1, **LIMITS})
    assert (status, body["credit_limit"], body["version"]) == (200, "20000.00", 2)
    account = show(system, "bob")["account"]
    assert (
        sum(Decimal(account[f"credit_{part}"]) for part in ("available", "held", "used")) == 20000
    )
    assert system.books.account("bob").held == before.held
    assert system.findings() == []


def test_a_credit_limit_below_what_is_held_lends_nothing_new(system: System) -> None:
    place(system, "order-1", client_id="bob")
    assert (
        ask(system, "PUT", "clients/bob/limits", {"version": 1, **LIMITS, "credit_limit": "0"})[0]
        == 200
    )
    assert system.books.account("bob").credit_available < 0
    system.venues.pass_time(11)
    assert (
        place(system, "order-2", client_id="bob", quantity=1)["reason"]["code"]
        == "CREDIT_LIMIT_EXCEEDED"
    )


def test_two_operators_do_not_overwrite_each_other(system: System) -> None:
    assert ask(system, "PUT", "clients/bob/limits", {"version": 1, **LIMITS})[0] == 200
    status, problem, _ = ask(
        system,
        "PUT",
        "clients/bob/limits",
        {"version": 1, **LIMITS, "credit_limit": "5.00"},
        "other",
    )
    assert (status, problem["code"], problem["details"]) == (
        409,
        "VERSION_CONFLICT",
        {"version": "2"},
    )
    assert (
        ask(system, "PUT", "clients/bob/limits", {"version": 1, **LIMITS}, "again")[1]["version"]
        == 2
    )


@pytest.mark.parametrize("version", [None, 0])
def test_a_profile_from_before_there_were_versions_stands_at_the_first(
    system: System, version: int | None
) -> None:
    profile = {
        "client_id": "erin",
        "name": "Erin",
        "daily_trading_limit": "1.00",
        "settlement_account": "csd",
    }
    put(system.dynamodb, NAMES.clients, profile | ({} if version is None else {"version": version}))
    assert show(system, "erin")["version"] == 1
    assert ask(system, "POST", "clients/erin/suspension")[1]["version"] == 2
    assert ask(system, "POST", "clients/erin/activation")[1]["version"] == 3


def test_a_rotated_secret_ends_after_its_grace_time(system: System) -> None:
    _, issued, _ = create(system)
    api_key, first = issued["api_key"], issued["api_secret"]
    rotation = {"api_key": api_key, "grace_hours": 2}
    status, rotated, _ = ask(system, "POST", "clients/dave/secret-rotation", rotation, "rotate-1")
    assert status == 200
    until = (
        (system.now() + timedelta(hours=2))
        .isoformat(timespec="microseconds")
        .replace("+00:00", "Z")
    )
    assert rotated["previous_secret_valid_until"] == until
    assert show(system, "dave")["api_keys"][0]["previous_secret_valid_until"] == until
    assert log_in(system, api_key, first, "log-in-1")[0] == 200
    assert log_in(system, api_key, rotated["api_secret"], "log-in-2")[0] == 200
    system.venues.pass_time(2 * 3600)
    assert log_in(system, api_key, first, "log-in-3")[1]["code"] == "INVALID_CREDENTIALS"
    assert log_in(system, api_key, rotated["api_secret"], "log-in-4")[0] == 200


def test_a_rotation_without_grace_ends_the_secret_at_once(system: System) -> None:
    _, issued, _ = create(system)
    ask(
        system,
        "POST",
        "clients/dave/secret-rotation",
        {"api_key": issued["api_key"], "grace_hours": 0},
        "rotate-1",
    )
    assert log_in(system, issued["api_key"], issued["api_secret"], "log-in-1")[0] == 401


def test_a_rotation_whose_answer_was_lost_is_made_good_while_the_client_goes_on(
    system: System,
) -> None:
    _, issued, _ = create(system)
    api_key, in_use = issued["api_key"], issued["api_secret"]
    _, lost, _ = ask(
        system, "POST", "clients/dave/secret-rotation", {"api_key": api_key}, "rotate-1"
    )
    _, again, _ = ask(
        system, "POST", "clients/dave/secret-rotation", {"api_key": api_key}, "rotate-1"
    )
    assert "newest_was_lost" in again["note"]
    repair = {"api_key": api_key, "newest_was_lost": True}
    status, repaired, _ = ask(system, "POST", "clients/dave/secret-rotation", repair, "rotate-2")
    assert (status, repaired["previous_secret_valid_until"]) == (
        200,
        lost["previous_secret_valid_until"],
    )
    assert log_in(system, api_key, in_use, "log-in-1")[0] == 200
    assert log_in(system, api_key, repaired["api_secret"], "log-in-2")[0] == 200
    assert log_in(system, api_key, lost["api_secret"], "log-in-3")[0] == 401
    system.venues.pass_time(24 * 3600)
    assert log_in(system, api_key, in_use, "log-in-4")[0] == 401
    assert log_in(system, api_key, repaired["api_secret"], "log-in-5")[0] == 200


@pytest.mark.parametrize("record_lost", [False, True])
def test_a_repeated_rotation_rotates_once(system: System, record_lost: bool) -> None:
    _, issued, _ = create(system)
    rotation = {"api_key": issued["api_key"]}
    _, rotated, _ = ask(system, "POST", "clients/dave/secret-rotation", rotation, "rotate-1")
    if record_lost:
        for record in items(system.dynamodb, f"{PREFIX}idempotency"):
            system.dynamodb.delete_item(
                TableName=f"{PREFIX}idempotency", Key={"id": {"S": record["id"]}}
            )
    status, again, _ = ask(system, "POST", "clients/dave/secret-rotation", rotation, "rotate-1")
    assert (status, again["api_secret"], again["api_key"]) == (200, None, issued["api_key"])
    assert log_in(system, issued["api_key"], rotated["api_secret"], "log-in-1")[0] == 200
    assert log_in(system, issued["api_key"], issued["api_secret"], "log-in-2")[0] == 200


def test_a_key_belongs_to_its_client(system: System) -> None:
    _, issued, _ = create(system)
    status, problem, _ = ask(
        system, "POST", "clients/alice/secret-rotation", {"api_key": issued["api_key"]}, "rotate-1"
    )
    assert (status, problem["code"]) == (404, "NOT_FOUND")


SWITCHES: list[tuple[str, str, str, str, Any]] = [
    ("POST", "clients/alice/suspension", "POST", "clients/alice/activation", "ACTIVE"),
    ("PUT", "instruments/AAPL/halt", "PUT", "instruments/AAPL/resume", True),
]


@pytest.mark.parametrize(("method", "on", "method_off", "off", "state"), SWITCHES)
def test_a_late_copy_does_not_undo_what_was_asked_for_since(
    system: System, method: str, on: str, method_off: str, off: str, state: Any
) -> None:
    first = ask(system, method, on)
    assert ask(system, method_off, off)[0] == 200
    noted = len(list(items(system.dynamodb, f"{PREFIX}audit")))
    status, again, answer = ask(system, method, on)
    assert (status, again) == first[:2] == (200, again)
    assert header(answer, "Idempotency-Replayed") == "true"
    assert header(first[2], "Idempotency-Replayed") is None
    assert len(list(items(system.dynamodb, f"{PREFIX}audit"))) == noted, "nothing was done"
    instrument = system.books.instrument("AAPL")
    assert instrument
    assert state in (show(system, "alice")["status"], instrument.tradable)


def test_limits_that_were_set_are_answered_again_after_others_were_set(system: System) -> None:
    version = show(system, "alice")["version"]
    first = ask(system, "PUT", "clients/alice/limits", {**LIMITS, "version": version})
    other = {**LIMITS, "credit_limit": "1.00", "version": first[1]["version"]}
    assert ask(system, "PUT", "clients/alice/limits", other, "another")[0] == 200
    assert (
        ask(system, "PUT", "clients/alice/limits", {**LIMITS, "version": version})[:2] == first[:2]
    )
    assert ask(system, "PUT", "clients/alice/limits", other)[1]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert show(system, "alice")["credit_limit"] == "1.00"


def test_nothing_happens_that_could_not_be_audited(system: System) -> None:
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


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "clients", DAVE | {"client_id": "d d"}, "client_id"),
        ("POST", "clients", DAVE | {"margin_percent": "0"}, "margin_percent"),
        ("POST", "clients", DAVE | {"credit_limit": "-1.00"}, "credit_limit"),
        ("POST", "clients", DAVE | {"daily_trading_limit": "1.001"}, "daily_trading_limit"),
        ("POST", "clients", DAVE | {"reason": " "}, "reason"),
        ("POST", "clients", DAVE | {"fingerprint": "x"}, "fingerprint"),
        ("PUT", "clients/alice/limits", LIMITS, "version"),
        ("PUT", "clients/alice/limits", {**LIMITS, "version": "1"}, "version"),
        (
            "POST",
            "clients/alice/secret-rotation",
            {"api_key": "k", "grace_hours": 169},
            "grace_hours",
        ),
        (
            "POST",
            "clients/alice/secret-rotation",
            {"api_key": "k", "grace_hours": 0, "newest_was_lost": True},
            "body",
        ),
        ("POST", "clients/alice/deposits", {"reference": "r"}, "body"),
        ("POST", "clients/alice/deposits", {"reference": "r", "amount": "0"}, "amount"),
        (
            "POST",
            "clients/alice/deposits",
            {"reference": "r", "symbol": "AAPL", "quantity": 1},
            "body",
        ),
        ("POST", "clients/alice/withdrawals", {"reference": "r", "symbol": "AAPL"}, "body"),
        ("POST", "clients/alice/withdrawals", {"reference": "", "amount": "1.00"}, "reference"),
        ("PUT", "instruments/AAPL/halt", {"reason": ""}, "reason"),
    ],
)
def test_what_is_malformed_is_refused_with_its_field(
    system: System, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    status, problem, _ = ask(system, method, path, body)
    assert (status, problem["code"]) == (422, "VALIDATION_FAILED")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert list(items(system.dynamodb, f"{PREFIX}audit")) == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "clients/nobody", {}),
        ("POST", "clients/nobody/suspension", {}),
        ("POST", "clients/nobody/activation", {}),
        ("PUT", "clients/nobody/limits", {"version": 1, **LIMITS}),
        ("POST", "clients/nobody/secret-rotation", {"api_key": "k"}),
        ("POST", "clients/nobody/deposits", {"reference": "r", "amount": "1.00"}),
        ("POST", "clients/nobody/withdrawals", {"reference": "r", "amount": "1.00"}),
        ("PUT", "instruments/NONE/halt", {}),
        ("PUT", "instruments/NONE/resume", {}),
    ],
)
def test_what_does_not_exist_is_not_found(
    system: System, method: str, path: str, body: dict[str, Any]
) -> None:
    status, problem, _ = ask(system, method, path, body)
    assert (status, problem["code"]) == (404, "NOT_FOUND")
    assert system.books.account("nobody") == Account(client_id="nobody")


@pytest.mark.parametrize(
    ("method", "path", "held"),
    [
        ("GET", "clients/alice", "admin:write"),
        ("POST", "clients/alice/suspension", "admin:read"),
        ("PUT", "instruments/AAPL/halt", "admin:read orders:write"),
    ],
)
def test_each_route_wants_its_permission(system: System, method: str, path: str, held: str) -> None:
    status, problem, _ = ask(system, method, path, authorizer=OPERATOR | {"permissions": held})
    assert (status, problem["code"]) == (403, "FORBIDDEN")


def test_a_halted_instrument_takes_no_orders_until_it_is_resumed(system: System) -> None:
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
