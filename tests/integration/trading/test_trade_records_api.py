"""The trade records have exactly the promised shapes, over the same orders and accounts."""

import json
from typing import Any

import pytest

from tests.fakes.api_events import header, principal, request
from tests.integration.system import System
from tests.integration.trading import orders
from trading.adapters.http.idempotency import REPLAYED_HEADER

TRADE = """{
  "tradeId": "string",
  "userId": "string",
  "stockSymbol": "string",
  "quantity": "number",
  "pricePerShare": "number",
  "totalPrice": "number",
  "tradeType": "string",
  "status": "string",
  "createdAt": "string",
  "updatedAt": "string"
}"""
BALANCE = """{
  "userId": "string",
  "availableBalance": "number",
  "heldForTrades": "number",
  "totalBalance": "number"
}"""
PORTFOLIO = """{
  "userId": "string",
  "holdings": [
    {
      "stockSymbol": "string",
      "quantity": "number",
      "averagePurchasePrice": "number"
    }
  ],
  "totalValue": "number"
}"""
PLACED_TRADE = """{
  "orderId": "string",
  "stockTicker": "string",
  "type": "string",
  "quantity": "number",
  "status": "string",
  "reason": "string",
  "createdAt": "string"
}"""
BUY = {"stockSymbol": "AAPL", "quantity": 100, "pricePerShare": 240.50, "tradeType": "buy"}
RESTING = BUY | {"pricePerShare": 200}
AT_MARKET = {"stockTicker": "AAPL", "type": "sell", "quantity": 30}


def shape(value: Any) -> Any:
    """The form of a value, written like the promised shapes."""
    match value:
        case dict():
            return {name: shape(each) for name, each in value.items()}
        case list():
            return [shape(each) for each in value[:1]]
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case _:
            return None


def call(
    system: System,
    method: str,
    path: str,
    body: Any = None,
    client_id: str = "alice",
    key: str = "key-1",
) -> Any:
    """The response."""
    event = request(
        method,
        f"/api/v1/{path}",
        body,
        headers={"Idempotency-Key": key},
        authorizer=principal(client_id),
    )
    path, _, query = path.partition("?")
    event["path"] = f"/api/v1/{path}"
    parameters = dict(part.split("=", 1) for part in query.split("&") if part)
    event["queryStringParameters"] = parameters or None
    event["multiValueQueryStringParameters"] = {
        name: [value] for name, value in parameters.items()
    } or None
    return system.invoke(
        "accounts" if path in ("trade/balance", "trade/portfolio") else "orders", event
    )


def answered(answer: dict[str, Any], status: int) -> Any:
    assert answer["statusCode"] == status, answer["body"]
    return json.loads(answer["body"])


def place(system: System, body: Any = BUY, key: str = "key-1") -> dict[str, Any]:
    placed: dict[str, Any] = answered(call(system, "POST", "trade/place", body, key=key), 201)
    return placed


def trade(system: System, trade_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = answered(call(system, "GET", f"trade/{trade_id}"), 200)
    return shown


def test_a_placed_trade_creates_an_order(system: System) -> None:
    answer = call(system, "POST", "trade/place", BUY)
    placed = answered(answer, 201)
    assert shape(placed) == json.loads(TRADE)
    assert placed == {
        "tradeId": placed["tradeId"],
        "userId": "alice",
        "stockSymbol": "AAPL",
        "quantity": 100,
        "pricePerShare": 240.5,
        "totalPrice": 24050.0,
        "tradeType": "buy",
        "status": "pending",
        "createdAt": placed["createdAt"],
        "updatedAt": placed["createdAt"],
    }
    assert header(answer, "Location") == f"/api/v1/trade/{placed['tradeId']}"
    order = orders.show(system, placed["tradeId"])
    assert (order["order_type"], order["time_in_force"], order["price"]) == (
        "limit",
        "DAY",
        "240.50",
    )
    assert (order["side"], order["accepted_at"]) == ("buy", placed["createdAt"])


def test_an_executed_trade_shows_the_amount_paid_and_replays_its_first_answer(
    system: System,
) -> None:
    placed = place(system)
    system.run_until(lambda: system.status(placed["tradeId"]) == "CLEARED")
    shown = trade(system, placed["tradeId"])
    order = orders.show(system, placed["tradeId"])
    assert shape(shown) == json.loads(TRADE)
    assert (shown["status"], shown["pricePerShare"]) == ("executed", float(order["average_price"]))
    assert shown["totalPrice"] == sum(
        float(e["executed_price"]) * e["executed_quantity"] for e in order["execution_details"]
    )
    again = call(system, "POST", "trade/place", BUY)
    assert (answered(again, 201), header(again, REPLAYED_HEADER)) == (placed, "true")
    assert orders.place(system, price="240.50")["order_id"] == placed["tradeId"], (
        "both names must show the same order"
    )
    assert (
        answered(call(system, "POST", "trade/place", BUY | {"quantity": 1}), 422)["code"]
        == "IDEMPOTENCY_KEY_REUSED"
    )


@pytest.mark.parametrize("written", ["240.5", "240.500000", "240500e-3"])
def test_a_price_is_shown_as_a_number_however_it_was_written(system: System, written: str) -> None:
    event = request(
        "POST",
        "/api/v1/trade/place",
        BUY,
        headers={"Idempotency-Key": "key-1"},
        authorizer=principal("alice"),
    )
    event["body"] = event["body"].replace("240.5", written)
    placed = answered(system.invoke("orders", event), 201)
    assert (placed["pricePerShare"], orders.show(system, placed["tradeId"])["price"]) == (
        240.5,
        "240.50",
    )


def test_a_market_trade_has_no_price_until_it_is_executed(system: System) -> None:
    placed = place(system, {"stockSymbol": "AAPL", "quantity": 10, "tradeType": "sell"})
    assert (placed["pricePerShare"], placed["totalPrice"], placed["status"]) == (
        None,
        None,
        "pending",
    )
    system.run_until(lambda: system.status(placed["tradeId"]) == "CLEARED")
    assert shape(trade(system, placed["tradeId"])) == json.loads(TRADE)


def test_canceling_a_trade_cancels_its_order(system: System) -> None:
    trade_id = place(system, RESTING)["tradeId"]
    asked = answered(call(system, "POST", f"trade/{trade_id}/cancel", key="cancel"), 202)
    assert shape(asked) == json.loads(TRADE)
    system.run_until(lambda: system.status(trade_id) == "CANCELED")
    assert (
        answered(call(system, "POST", f"trade/{trade_id}/cancel", key="again"), 200)["status"]
        == "canceled"
    )
    filled = place(system, key="filled")["tradeId"]
    system.run_until(lambda: system.status(filled) == "CLEARED")
    assert (
        answered(call(system, "POST", f"trade/{filled}/cancel", key="late"), 409)["code"]
        == "ORDER_CLOSED"
    )


def test_the_history_lists_closed_trades_newest_first_by_pages(system: System) -> None:
    executed = place(system)["tradeId"]
    system.run_until(lambda: system.status(executed) == "CLEARED")
    system.venues.pass_time(1)
    rejected = place(system, BUY | {"quantity": 100_000}, key="rejected")
    assert rejected["status"] == "canceled"
    system.venues.pass_time(1)
    place(system, RESTING, key="pending")
    history = answered(call(system, "GET", "transaction-history"), 200)
    assert [(t["tradeId"], t["status"]) for t in history["items"]] == [
        (rejected["tradeId"], "canceled"),
        (executed, "executed"),
    ]
    assert [shape(item) for item in history["items"]] == [json.loads(TRADE)] * 2
    first = answered(call(system, "GET", "transaction-history?limit=1"), 200)
    rest = answered(
        call(system, "GET", f"transaction-history?limit=1&cursor={first['nextCursor']}"), 200
    )
    assert first["items"] + rest["items"] == history["items"]


def test_balance_and_portfolio_have_the_promised_shapes(system: System) -> None:
    place(system, RESTING)
    balance = answered(call(system, "GET", "trade/balance"), 200)
    assert shape(balance) == json.loads(BALANCE)
    assert balance == {
        "userId": "alice",
        "availableBalance": 79999.7,
        "heldForTrades": 20000.3,
        "totalBalance": 100000.0,
    }
    portfolio = answered(call(system, "GET", "trade/portfolio"), 200)
    assert shape(portfolio) == json.loads(PORTFOLIO)
    assert portfolio["holdings"][0] == {
        "stockSymbol": "AAPL",
        "quantity": 100,
        "averagePurchasePrice": 198.4,
    }


def test_place_trade_has_the_promised_shapes(system: System) -> None:
    placed = answered(call(system, "POST", "place-trade", AT_MARKET | {"customerId": "alice"}), 201)
    assert shape(placed) == json.loads(PLACED_TRADE)
    assert (placed["status"], placed["reason"], placed["type"]) == ("placed", "", "sell")
    order = orders.show(system, placed["orderId"])
    assert (order["order_type"], order["quantity"], order["price"]) == ("market", 30, None)
    rejected = answered(
        call(system, "POST", "place-trade", AT_MARKET | {"quantity": 1000}, key="too-much"), 201
    )
    assert (rejected["status"], shape(rejected)) == ("rejected", json.loads(PLACED_TRADE))
    assert rejected["reason"]


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("trade/place", BUY | {"userId": "bob"}, 403, "CLIENT_MISMATCH"),
    ("place-trade", AT_MARKET | {"customerId": "bob"}, 403, "CLIENT_MISMATCH"),
    ("trade/place", BUY | {"pricePerShare": "240.50"}, 422, "VALIDATION_FAILED"),
    ("trade/place", BUY | {"pricePerShare": 0}, 422, "VALIDATION_FAILED"),
    ("trade/place", BUY | {"pricePerShare": True}, 422, "VALIDATION_FAILED"),
    ("trade/place", BUY | {"pricePerShare": 1.00001}, 422, "VALIDATION_FAILED"),
    ("trade/place", BUY | {"pricePerShare": 10_000_000}, 422, "VALIDATION_FAILED"),
    ("trade/place", BUY | {"quantity": 1.5}, 422, "VALIDATION_FAILED"),
    ("trade/place", BUY | {"status": "executed"}, 422, "VALIDATION_FAILED"),
    ("place-trade", AT_MARKET | {"type": "short"}, 422, "VALIDATION_FAILED"),
]


@pytest.mark.parametrize(("path", "body", "status", "code"), REFUSED)
def test_invalid_trade_requests_are_refused(
    system: System, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = call(system, "POST", path, body)
    assert answered(answer, status)["code"] == code
    assert header(answer, "Content-Type") == "application/problem+json"


def test_another_clients_trade_is_not_found(system: System) -> None:
    trade_id = place(system, RESTING)["tradeId"]
    for method, path in (("GET", f"trade/{trade_id}"), ("POST", f"trade/{trade_id}/cancel")):
        problem = answered(call(system, method, path, client_id="bob"), 404)
        assert (problem["code"], problem["errors"][0]["field"]) == ("NOT_FOUND", "trade_id")
    assert answered(call(system, "GET", "transaction-history", client_id="bob"), 200)["items"] == []
