"""GET /api/v1/trades and /transactions over the tables: filters, cursor, CSV and refusals."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.api_events import header, principal, request
from tests.integration.system import System
from tests.integration.trading.orders import MARKET, place
from trading.adapters.http import cursors
from trading.domain.accounts import transfers

ROUTES = ("trades", "transactions")


def ask(
    system: System,
    path: str,
    client_id: str = "alice",
    accept: str = "*/*",
    permissions: str = "accounts:read",
    **query: str,
) -> Any:
    """The whole response to a GET."""
    event = request(
        "GET",
        f"/api/v1/{path}",
        authorizer=principal(client_id, permissions),
        headers={"Accept": accept},
    )
    event["queryStringParameters"] = query or None
    event["multiValueQueryStringParameters"] = {
        name: [value] for name, value in query.items()
    } or None
    return system.invoke("accounts", event)


def show(system: System, path: str, client_id: str = "alice", **query: str) -> dict[str, Any]:
    status, body, _ = system.call("accounts", _event(path, client_id, query))
    assert status == 200, body
    shown: dict[str, Any] = body
    return shown


def _event(path: str, client_id: str, query: dict[str, str]) -> dict[str, Any]:
    event = request("GET", f"/api/v1/{path}", authorizer=principal(client_id, "accounts:read"))
    event["queryStringParameters"] = query or None
    event["multiValueQueryStringParameters"] = {
        name: [value] for name, value in query.items()
    } or None
    return event


@pytest.fixture
def traded(system: System) -> System:
    """Alice bought 100 AAPL and then sold 30. Bob bought 100."""
    for key, changes in (
        ("buy", {}),
        ("bobs", {"client_id": "bob"}),
        ("sale", {"side": "sell", "quantity": 30}),
    ):
        system.venues.pass_time(60)
        order_id = place(system, key, **MARKET, **changes)["order_id"]
        system.run_until(lambda order_id=order_id: system.status(order_id) == "CLEARED")  # type: ignore[misc]
    return system


def test_trades_are_the_executions_of_the_clients_orders(traded: System) -> None:
    shown = show(traded, "trades")["items"]
    assert sum(trade["quantity"] for trade in shown if trade["side"] == "buy") == 100
    assert sum(trade["quantity"] for trade in shown if trade["side"] == "sell") == 30
    assert shown == sorted(shown, key=lambda trade: trade["booked_at"], reverse=True)
    sale = shown[0]
    fill = traded.books.fill(sale["trade_id"])
    assert fill
    assert (sale["order_id"], sale["price"], sale["fees"]) == (
        fill.order_id,
        str(fill.price),
        str(fill.fees),
    )
    assert Decimal(sale["amount"]) == fill.notional - fill.fees
    assert sale["settled_at"] is None
    assert [trade["trade_id"] for trade in show(traded, "trades", side="sell")["items"]] == [
        trade["trade_id"] for trade in shown if trade["side"] == "sell"
    ]
    assert not {trade["trade_id"] for trade in shown} & {
        t["trade_id"] for t in show(traded, "trades", "bob")["items"]
    }
    assert show(traded, "trades", "nobody") == {"items": [], "next_cursor": None}


def test_a_settled_trade_says_when_and_has_a_line_of_its_own(traded: System) -> None:
    trade_id = show(traded, "trades", "bob")["items"][0]["trade_id"]
    traded.venues.pass_time(24 * 3600)
    event = request(
        "POST",
        f"/api/v1/settlement/{trade_id}",
        headers={"Idempotency-Key": "settle"},
        authorizer=principal("internal-service", "settlement:write"),
    )
    assert traded.call("internal", event)[0] == 200
    settled_at = {
        trade["trade_id"]: trade["settled_at"] for trade in show(traded, "trades", "bob")["items"]
    }
    assert settled_at.pop(trade_id) is not None
    assert set(settled_at.values()) <= {None}, "only the trade that settled says so"
    lines = show(traded, "transactions", "bob", type="settlement")["items"]
    assert [line["transaction_id"] for line in lines] == [f"{trade_id}.settlement"]


def test_the_transactions_add_up_to_the_balance(traded: System) -> None:
    for client_id in ("alice", "bob"):
        lines = show(traded, "transactions", client_id, limit="200")["items"]
        assert (
            sum(Decimal(line["amount"]) for line in lines) == traded.books.account(client_id).total
        )
        for symbol in ("AAPL", "MSFT"):
            owned = sum(line["quantity"] for line in lines if line["symbol"] == symbol)
            assert owned == traded.books.position(client_id, symbol).quantity
    assert {line["type"] for line in lines} == {"trade", "fee", "loan", "deposit"}, (
        "a loan is expected, because bob buys on margin"
    )


def test_each_filter_selects_its_lines(traded: System) -> None:
    everything = show(traded, "transactions")["items"]
    for query in ({"type": "fee"}, {"type": "deposit"}, {"type": "dividend"}, {"symbol": "MSFT"}):
        name, value = next(iter(query.items()))
        expected = [line for line in everything if line[name] == value]
        assert show(traded, "transactions", **query)["items"] == expected
    latest = everything[0]["booked_at"]
    newest = [line for line in everything if line["booked_at"] == latest]
    assert show(traded, "transactions", **{"from": latest})["items"] == newest
    assert show(traded, "transactions", to=latest)["items"] == everything[len(newest) :]


def test_the_trades_of_a_closed_period_have_no_later_ones(traded: System) -> None:
    trades = show(traded, "trades")["items"]
    sold_at = trades[0]["booked_at"]
    earlier = [trade for trade in trades if trade["booked_at"] < sold_at]
    period = {"from": earlier[-1]["booked_at"], "to": sold_at}
    assert show(traded, "trades", **period)["items"] == earlier


@pytest.mark.parametrize("path", ROUTES)
def test_the_cursor_continues_where_the_page_ended(traded: System, path: str) -> None:
    everything = show(traded, path)["items"]
    found, query = [], {"limit": "1"}
    while True:
        page = show(traded, path, **query)
        found += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == everything


@pytest.mark.parametrize("path", ROUTES)
def test_csv_has_the_same_lines_under_a_header_and_a_link_to_the_next_page(
    traded: System, path: str
) -> None:
    everything = show(traded, path, symbol="AAPL")["items"]
    first = ask(traded, path, accept="text/csv", symbol="AAPL", limit="1")
    assert header(first, "Content-Type") == "text/csv; charset=utf-8"
    assert header(first, "Vary") == "Accept"
    assert header(first, "ETag")
    assert all(line.endswith("\r\n") for line in first["body"].splitlines(keepends=True))
    rows = list(csv.DictReader(io.StringIO(first["body"])))
    assert rows == [
        {k: "" if v is None else str(v) for k, v in item.items()} for item in everything[:1]
    ]
    link = header(first, "Link")
    assert link.startswith("<?symbol=AAPL&limit=1&cursor=")
    assert link.endswith('>; rel="next"')
    cursor = link.partition("cursor=")[2].partition(">")[0]
    rest = ask(traded, path, accept="text/csv", symbol="AAPL", limit="200", cursor=cursor)
    assert rows + list(csv.DictReader(io.StringIO(rest["body"]))) == [
        {k: "" if v is None else str(v) for k, v in item.items()} for item in everything
    ]
    assert "Link" not in rest["multiValueHeaders"]


def test_in_csv_a_reference_is_no_formula_and_a_negative_amount_is_a_number(system: System) -> None:
    account = system.books.account("carol")
    system.books.commit(
        *transfers.withdraw_cash(account, Decimal("1.00"), '=cmd|"/c calc",1', system.now())
    )
    body = ask(system, "transactions", "carol", accept="text/csv", type="withdrawal")["body"]
    (row,) = csv.DictReader(io.StringIO(body))
    assert row["reference"] == '\'=cmd|"/c calc",1'
    assert row["amount"] == "-1.00"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/csv;q=0.9, application/json;q=0.8", "text/csv; charset=utf-8"),
        ("application/json, text/csv;q=0.5", "application/json"),
        ("text/csv;q=0", "application/json"),
        ("text/csv;q=nonsense", "application/json"),
        ("*/*", "application/json"),
    ],
)
def test_csv_is_sent_only_if_the_caller_prefers_it(
    system: System, accept: str, media_type: str
) -> None:
    assert header(ask(system, "trades", accept=accept), "Content-Type") == media_type


def test_unchanged_content_is_not_sent_again(traded: System) -> None:
    tag = header(ask(traded, "transactions"), "ETag")
    event = _event("transactions", "alice", {})
    event["headers"] |= {"If-None-Match": tag}
    event["multiValueHeaders"] |= {"If-None-Match": [tag]}
    assert traded.invoke("accounts", event)["statusCode"] == 304


REFUSED: list[tuple[dict[str, str], int, str]] = [
    ({"limit": "0"}, 422, "limit"),
    ({"limit": "201"}, 422, "limit"),
    ({"symbol": "no symbol"}, 422, "symbol"),
    ({"from": "yesterday"}, 422, "from"),
    ({"from": "2026-01-05T00:00:00Z", "to": "2026-01-05T00:00:00Z"}, 422, "to"),
    ({"cursor": "nonsense"}, 400, "cursor"),
    (
        {"cursor": cursors.encode("0" * 16, "2026-01-05T15:00:00.000000Z#trd_1#FILL", "")},
        400,
        "cursor",
    ),
]


@pytest.mark.parametrize("path", ROUTES)
def test_a_refusal_names_the_field(system: System, path: str) -> None:
    for query, expected, field in REFUSED:
        status, problem, _ = system.call("accounts", _event(path, "alice", query))
        assert (status, problem["errors"][0]["field"]) == (expected, field), query
    assert ask(system, path, permissions="orders:read")["statusCode"] == 403


def test_an_unknown_transaction_type_is_refused(system: System) -> None:
    status, problem, _ = system.call("accounts", _event("transactions", "alice", {"type": "gift"}))
    assert (status, problem["errors"][0]["field"]) == (422, "type")


def test_a_cursor_of_another_list_is_refused(traded: System) -> None:
    cursor = show(traded, "transactions", limit="1")["next_cursor"]
    for path, client_id, query in (
        ("trades", "alice", {}),
        ("transactions", "bob", {}),
        ("transactions", "alice", {"symbol": "AAPL"}),
    ):
        assert _status(traded, path, client_id, {**query, "cursor": cursor}) == 400
    bound_to, place_, line = cursors.decode(cursor, 3)
    for forged in (
        (bound_to, "9999", line),
        (bound_to, place_.replace("#", "|"), line),
        (bound_to, "2026-13-45T" + place_[11:], line),
        (bound_to, place_, ""),
        (bound_to, place_, "\x00"),
        (bound_to, place_, line + "x"),
    ):
        assert _status(traded, "transactions", "alice", {"cursor": cursors.encode(*forged)}) == 400
    cursor = show(traded, "trades", limit="1")["next_cursor"]
    bound_to, place_, line = cursors.decode(cursor, 3)
    for changed in ("\x00", "x"):
        forged = (bound_to, place_, changed)
        assert _status(traded, "trades", "alice", {"cursor": cursors.encode(*forged)}) == 400


def _status(system: System, path: str, client_id: str, query: dict[str, str]) -> int:
    status, _, _ = system.call("accounts", _event(path, client_id, query))
    return status
