"""The commands of a trading client."""

import csv
import io
import json
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from tests.integration.cli.conftest import Terminal
from tests.integration.cli.gateway import problem


def test_an_order_can_be_followed_from_placing_to_clearing(terminal: Terminal) -> None:
    placed = terminal.ask("place", "buy", "10", "ko", "--key", "k-1")
    assert placed["status"] == "VALIDATED"
    system = terminal.gateway.system
    system.run_until(lambda: system.status(placed["order_id"]) == "CLEARED")
    shown = terminal.ask("order", placed["order_id"])
    assert (shown["filled_quantity"], shown["current_status"]) == (10, "CLEARED")
    assert terminal.ask("order", "--key", "k-1") == shown
    code, out, err = terminal.run("order", placed["order_id"])
    assert (code, err) == (0, "")
    assert "buy 10 KO market DAY" in out
    assert shown["execution_details"][0]["trade_id"] in out
    assert terminal.ask("position", "KO")["quantity"] == 10
    assert {"KO", "AAPL", "MSFT"} == {item["symbol"] for item in terminal.ask("positions")["items"]}
    assert terminal.ask("portfolio")["cash"] == terminal.ask("balance")
    _, out, _ = terminal.run("portfolio")
    assert "KO" in out
    assert terminal.ask("balance")["total"] in out


def test_with_json_the_output_is_the_apis_response(terminal: Terminal) -> None:
    terminal.ask("place", "buy", "1", "KO")
    given = terminal.ask("orders", "--limit", "1")
    assert list(given) == ["items", "next_cursor"]
    assert given["items"][0]["fees"] == "0.00"
    sent = terminal.gateway.seen[-1]
    assert sent.path.endswith("/api/v1/orders?limit=1")


def test_a_price_makes_a_limit_order(terminal: Terminal) -> None:
    order_id = terminal.ask("place", "sell", "5", "AAPL", "--limit", "220", "--tif", "gtc")[
        "order_id"
    ]
    shown = terminal.ask("order", order_id)
    assert (shown["order_type"], shown["price"], shown["time_in_force"]) == (
        "limit",
        "220.00",
        "GTC",
    )


def test_a_rejected_order_is_shown_and_has_its_own_exit_status(terminal: Terminal) -> None:
    rejected = terminal.ask("place", "buy", "100000", "MSFT", status=3)
    assert rejected["status"] == "REJECTED"
    _, out, _ = terminal.run("place", "buy", "100000", "MSFT")
    assert rejected["reason"]["message"] in out
    listed = terminal.ask("orders", "--status", "rejected")["items"]
    assert rejected["order_id"] in {order["order_id"] for order in listed}


def test_a_key_names_one_order_and_another_order_under_it_is_refused(
    terminal: Terminal,
) -> None:
    first = terminal.ask("place", "buy", "1", "KO", "--key", "mine")
    assert terminal.ask("place", "buy", "1", "KO", "--key", "mine") == first
    refused = terminal.refused("place", "buy", "2", "KO", "--key", "mine", status=4)
    assert (refused["code"], refused["idempotency_key"]) == ("IDEMPOTENCY_KEY_REUSED", "mine")


def test_a_command_prints_its_generated_key_before_it_sends(terminal: Terminal) -> None:
    terminal.gateway.lose = 2
    code, out, err = terminal.run("place", "buy", "1", "KO")
    assert code == 0
    attempts = [request for request in terminal.gateway.seen if request.path.endswith("/orders")]
    assert len(attempts) == 3
    (key,) = {request.headers["idempotency-key"] for request in attempts}
    assert err.startswith(f"idempotency key {key}\n")
    assert [order["order_id"] for order in terminal.ask("orders")["items"]] == [
        out.partition(":")[0]
    ]


def test_a_command_without_an_answer_says_how_to_continue(terminal: Terminal) -> None:
    terminal.run("login")
    terminal.gateway.lose = 1000
    code, out, err = terminal.run("place", "buy", "1", "KO", "--key", "k-7", patience=1)
    assert (code, out) == (9, "")
    assert "--key k-7" in err
    terminal.gateway.lose = 0
    assert terminal.ask("place", "buy", "1", "KO", "--key", "k-7")["status"] == "VALIDATED"
    assert len(terminal.ask("orders")["items"]) == 1


def test_a_cancel_is_requested(terminal: Terminal) -> None:
    order_id = terminal.ask("place", "buy", "1", "KO", "--limit", "55")["order_id"]
    assert terminal.ask("cancel", order_id)["cancel_requested"] is True
    system = terminal.gateway.system
    system.run_until(lambda: system.status(order_id) == "CANCELED")
    assert terminal.ask("cancel", order_id)["current_status"] == "CANCELED"
    others = [
        terminal.ask("place", "buy", "1", "KO", "--limit", "55")["order_id"] for _ in range(2)
    ]
    assert set(terminal.ask("cancel", "--all")["order_ids"]) == set(others)
    assert terminal.ask("orders", "--state", "closed")["items"][0]["order_id"] == order_id


def test_all_pages_are_shown_as_one_list(terminal: Terminal) -> None:
    placed = [
        terminal.ask("place", "buy", "1", "KO", "--limit", "55")["order_id"] for _ in range(3)
    ]
    page = terminal.ask("orders", "--limit", "2")
    assert page["next_cursor"]
    _, _, err = terminal.run("orders", "--limit", "2")
    assert page["next_cursor"] in err
    rest = terminal.ask("orders", "--limit", "2", "--cursor", page["next_cursor"])
    assert {item["order_id"] for item in page["items"] + rest["items"]} == set(placed)
    everything = terminal.ask("orders", "--limit", "2", "--all")
    assert everything == {"items": page["items"] + rest["items"], "next_cursor": None}


REFUSALS: tuple[tuple[str, int, str], ...] = (
    ("place buy 1 KO --limit many", 4, "VALIDATION_FAILED"),
    ("place buy 1 KO --key ;", 4, "IDEMPOTENCY_KEY_INVALID"),
    ("orders --cursor nonsense", 4, "INVALID_CURSOR"),
    ("order ord_1", 6, "NOT_FOUND"),
    ("cancel ord_1", 6, "NOT_FOUND"),
    ("admin show alice", 11, "NO_ADMIN_URL"),
    ("--profile nobody orders", 11, "NO_SUCH_PROFILE"),
    ("--profile local-admin orders", 5, "UNAUTHENTICATED"),
    ("--profile local-admin place buy 1 KO", 11, "NO_CLIENT_ID"),
    ("--profile local-admin admin show zoe", 6, "NOT_FOUND"),
)


def test_a_refusal_has_an_exit_status_and_a_problem_document(terminal: Terminal) -> None:
    for arguments, status, code in REFUSALS:
        assert terminal.refused(*arguments.split(), status=status)["code"] == code


@pytest.mark.parametrize(
    "arguments",
    [
        "place buy 0 KO",
        "place hold 1 KO",
        "place buy 1 KO --tif NEVER",
        "cancel",
        "cancel ord_1 --all",
        "cancel ord_1 --symbol KO",
        "replace ord_1",
        "order",
        "orders --limit 101",
        "nonsense",
        "admin limits bob --reason why",
        "admin limits bob --reason why --daily 1 --key k",
        "admin rotate-secret bob --reason why --newest-was-lost --grace-hours 0",
    ],
)
def test_a_malformed_command_is_not_sent(arguments: str) -> None:
    assert CliRunner().invoke(app, arguments.split()).exit_code == 2


def test_another_clients_order_is_not_found(terminal: Terminal) -> None:
    order_id = terminal.ask("place", "buy", "1", "KO")["order_id"]
    assert (
        terminal.refused("--profile", "local-bob", "order", order_id, status=6)["code"]
        == "NOT_FOUND"
    )


def test_canceling_a_closed_order_is_a_conflict(terminal: Terminal) -> None:
    order_id = terminal.ask("place", "buy", "100000", "MSFT", status=3)["order_id"]
    refused = terminal.refused("cancel", order_id, status=7)
    assert (refused["code"], refused["details"]["status"]) == ("ORDER_CLOSED", "REJECTED")


def test_an_error_shows_the_fields_and_the_request_id(terminal: Terminal) -> None:
    code, out, err = terminal.run("place", "buy", "1", "KO", "--limit", "many")
    assert (code, out) == (4, "")
    assert "422 VALIDATION_FAILED" in err
    assert "price: a plain decimal number" in err
    assert "request id: request-1" in err


def test_errors_of_the_gateway_are_reported_too(terminal: Terminal) -> None:
    for answer, status in (
        (problem(429, "RATE_LIMITED", Retry_After="60"), 8),
        (problem(500, "INTERNAL"), 10),
        (problem(413, "BODY_TOO_LARGE"), 4),
        (problem(403, "FORBIDDEN"), 5),
    ):
        terminal.gateway.instead = [answer]
        assert terminal.refused("balance", status=status)["request_id"] == "request-9"


def test_transient_errors_are_waited_out(terminal: Terminal) -> None:
    terminal.gateway.instead = [
        problem(503, "UNAVAILABLE", Retry_After="1"),
        problem(409, "IN_PROGRESS", Retry_After="0"),
    ]
    code, out, err = terminal.run("balance")
    assert code == 0
    assert "503 UNAVAILABLE; trying again in 1 s" in err
    assert "100000.00" in out


def test_with_json_a_retry_prints_nothing_but_json(terminal: Terminal) -> None:
    terminal.gateway.instead = [problem(503, "UNAVAILABLE", Retry_After="0")]
    code, out, err = terminal.run("place", "buy", "1", "KO", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["status"] == "VALIDATED"


def test_the_statement_is_available_as_table_json_and_csv(terminal: Terminal) -> None:
    order_id = terminal.ask("place", "buy", "10", "KO")["order_id"]
    system = terminal.gateway.system
    system.run_until(lambda: system.status(order_id) == "CLEARED")
    listed = terminal.ask("trades", "--symbol", "ko", "--side", "buy")["items"]
    assert {trade["order_id"] for trade in listed} == {order_id}
    assert sum(trade["quantity"] for trade in listed) == 10
    everything = terminal.ask("history", "--limit", "2", "--all")["items"]
    assert sum(Decimal(line["amount"]) for line in everything) == Decimal(
        terminal.ask("balance")["total"]
    )
    assert {line["type"] for line in terminal.ask("history", "--type", "deposit")["items"]} == {
        "deposit"
    }
    code, out, err = terminal.run("history", "--limit", "2", "--all", "--csv")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert [row["transaction_id"] for row in rows] == [
        line["transaction_id"] for line in everything
    ]
    code, out, err = terminal.run("trades")
    assert code == 0
    assert listed[0]["trade_id"] in out
    code, out, err = terminal.run("history", "--limit", "1", "--csv")
    assert (code, len(out.splitlines())) == (0, 2)
    cursor = err.split()[-1]
    _, following, _ = terminal.run("history", "--limit", "1", "--csv", "--cursor", cursor)
    assert out.splitlines()[1] not in following


def test_an_order_is_replaced(terminal: Terminal) -> None:
    old = terminal.ask("place", "buy", "5", "KO", "--limit", "55")["order_id"]
    new = terminal.ask("replace", old, "--limit", "56", "--quantity", "6", "--key", "k-2")
    assert new["order_id"] != old
    assert terminal.ask("replace", old, "--limit", "56", "--quantity", "6", "--key", "k-2") == new
    shown = terminal.ask("order", new["order_id"])
    assert (shown["replaces"], shown["price"], shown["quantity"]) == (old, "56.00", 6)
    _, out, _ = terminal.run("order", old)
    assert new["order_id"] in out
    assert terminal.refused("replace", old, "--quantity", "7", status=7)["code"]


def test_a_stop_price_makes_a_stop_order(terminal: Terminal) -> None:
    for prices, kind in (
        (("--stop", "215"), "stop"),
        (("--stop", "215", "--limit", "214.50"), "stop_limit"),
    ):
        order_id = terminal.ask("place", "sell", "5", "AAPL", *prices)["order_id"]
        assert terminal.ask("order", order_id)["order_type"] == kind
