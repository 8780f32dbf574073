"""GET /api/v1/balance, /positions and /portfolio: what is shown, to whom and by which pages. A fill
is shown whole or not at all.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from tests.fakes.api_events import header, principal, request
from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.books import put
from tests.integration.trading.orders import MARKET, new_order, place
from trading.adapters.http import cursors
from trading.domain.accounts import transfers
from trading.domain.accounts.position import Position

ROUTES = ("balance", "positions", "positions/AAPL", "portfolio")


def ask(
    system: System,
    path: str,
    client_id: str = "alice",
    permissions: str = "accounts:read",
    **query: str,
) -> Any:
    """Answers status, body and the whole response to a GET."""
    event = request("GET", f"/api/v1/{path}", authorizer=principal(client_id, permissions))
    event["queryStringParameters"] = query or None
    event["multiValueQueryStringParameters"] = {
        name: [value] for name, value in query.items()
    } or None
    return system.call("accounts", event)


def show(system: System, path: str, client_id: str = "alice", **query: str) -> dict[str, Any]:
    status, body, _ = ask(system, path, client_id, **query)
    assert status == 200, body
    shown: dict[str, Any] = body
    return shown


def execute(system: System, **changes: Any) -> None:
    """Place an order and let it be filled completely."""
    order_id = place(system, **changes)["order_id"]
    system.run_until(lambda: system.status(order_id) in ("FILLED", "CLEARED"))


def add_positions(system: System, client_id: str, symbols: list[str]) -> None:
    """Deposit ten shares of each symbol at 10.00."""
    for symbol in symbols:
        position = Position(client_id=client_id, symbol=symbol)
        system.books.commit(
            *transfers.deposit_shares(
                position, 10, Decimal("100.00"), f"opening-{symbol}", system.now()
            )
        )


def close(system: System, client_id: str, symbol: str, profit: str) -> None:
    """The position after all its shares were sold and delivered."""
    position = system.books.position(client_id, symbol)
    system.books.commit(
        position.move(available=-10, cost=-position.cost_basis, profit=Decimal(profit))
    )


def test_the_balance_of_a_client_without_orders(system: System) -> None:
    assert show(system, "balance") == {
        "currency": "USD",
        "available": "100000.00",
        "held_for_orders": "0.00",
        "unsettled": "0.00",
        "total": "100000.00",
        "buying_power": "100000.00",
        "withdrawable": "100000.00",
        "margin_in_use": "0.00",
    }


def test_a_hold_shows_in_the_balance_at_once(system: System) -> None:
    before = header(ask(system, "balance")[2], "ETag")
    place(system, price="230.00", quantity=100)
    held = show(system, "balance")
    assert (held["available"], held["held_for_orders"], held["total"]) == (
        "76999.70",
        "23000.30",
        "100000.00",
    )
    assert header(ask(system, "balance")[2], "ETag") != before


def test_a_purchase_shows_in_balance_position_and_portfolio(system: System) -> None:
    execute(system, quantity=100, **MARKET)
    position = show(system, "positions/AAPL")
    assert (position["quantity"], position["settled"], position["unsettled"]) == (200, 100, 100)
    paid = 100_000 - Decimal(show(system, "balance")["total"])
    cost = 19_840 + paid
    assert Decimal(position["cost_basis"]) == cost
    assert Decimal(position["average_purchase_price"]) == (cost / 200).quantize(
        Decimal("0.0001"), ROUND_HALF_UP
    )
    assert position["price_source"] == "execution"
    value = Decimal(position["last_price"]) * 200
    assert Decimal(position["market_value"]) == value
    assert Decimal(position["unrealised_profit"]) == value - cost
    assert position["price_time"] <= system.now().isoformat(timespec="microseconds").replace(
        "+00:00", "Z"
    )
    portfolio = show(system, "portfolio")
    assert portfolio["positions"][0] == position
    microsoft = Decimal(portfolio["positions"][1]["market_value"])
    assert Decimal(portfolio["total_value"]) == 100_000 - paid + value + microsoft


def test_before_any_execution_the_reference_price_is_shown_as_such(system: System) -> None:
    position = show(system, "positions/AAPL")
    instrument = system.books.instrument("AAPL")
    assert instrument
    assert position["last_price"] == str(instrument.reference_price)
    assert (position["price_time"], position["price_source"]) == (None, "reference")


def test_a_position_without_any_price_is_valued_at_cost(system: System) -> None:
    add_positions(system, "carol", ["OLD"])
    position = show(system, "positions/OLD", "carol")
    assert (position["last_price"], position["price_source"]) == (None, "none")
    assert (position["market_value"], position["unrealised_profit"]) == ("100.00", "0.00")


def test_shares_held_for_a_sale_are_shown_as_held(system: System) -> None:
    place(system, side="sell", quantity=30, price="270.00")
    position = show(system, "positions/AAPL")
    assert (position["quantity"], position["available"], position["held_for_sells"]) == (
        100,
        70,
        30,
    )


def test_positions_are_paged_by_symbol_and_closed_ones_shown_on_request(system: System) -> None:
    symbols = [f"S{number:02}" for number in range(12)]
    add_positions(system, "carol", symbols)
    for symbol in ("S00", "S03", "S04", "S05", "S11"):
        close(system, "carol", symbol, "5.00")

    def listed(**query: str) -> list[list[str]]:
        pages: list[list[str]] = []
        cursor: dict[str, str] = {}
        while True:
            page = show(system, "positions", "carol", **query, **cursor)
            pages.append([item["symbol"] for item in page["items"]])
            if page["next_cursor"] is None:
                return pages
            cursor = {"cursor": page["next_cursor"]}

    assert listed(limit="3") == [["S01", "S02", "S06"], ["S07", "S08", "S09"], ["S10"]]
    assert listed(limit="7") == [["S01", "S02", "S06", "S07", "S08", "S09", "S10"]]
    assert listed(limit="6", closed="true") == [symbols[:6], symbols[6:]]
    assert listed() == [["S01", "S02", "S06", "S07", "S08", "S09", "S10"]]
    closed = show(system, "positions/S00", "carol")
    assert (closed["quantity"], closed["average_purchase_price"]) == (0, None)
    assert (closed["realised_profit"], closed["market_value"]) == ("5.00", "0.00")
    assert show(system, "portfolio", "carol")["realised_profit"] == "25.00"


def test_symbols_with_a_common_prefix_are_not_skipped(system: System) -> None:
    add_positions(system, "carol", ["BRK", "BRK.A", "BRK.B", "BRK2"])
    page = show(system, "positions", "carol", limit="1")
    rest = show(system, "positions", "carol", cursor=page["next_cursor"])
    assert [item["symbol"] for item in page["items"] + rest["items"]] == [
        "BRK",
        "BRK.A",
        "BRK.B",
        "BRK2",
    ]


def test_a_client_sees_only_its_own_positions(system: System) -> None:
    assert (
        ask(system, "positions/AAPL", "bob")[:2][0]
        == ask(system, "positions/NVDA", "alice")[0]
        == 404
    )
    assert show(system, "positions", "bob")["items"] == []
    assert show(system, "portfolio", "bob")["total_value"] == "50000.00"
    add_positions(system, "alice", ["BRK", "V"])
    cursor = show(system, "positions", "alice", limit="1")["next_cursor"]
    checksum, symbol = cursors.decode(cursor, 2)
    for client_id, query in (
        ("bob", {"cursor": cursor}),
        ("alice", {"cursor": cursor, "closed": "true"}),
        ("alice", {"cursor": cursors.encode(symbol)}),
        ("alice", {"cursor": cursors.encode(checksum, "ZZZ")}),
        ("alice", {"cursor": cursors.encode(checksum, symbol + "\x00")}),
    ):
        status, problem, _ = ask(system, "positions", client_id, **query)
        assert (status, problem["code"]) == (400, "INVALID_CURSOR")
    assert ask(system, "positions", "alice", cursor=cursor, closed="false")[0] == 200


def test_the_balance_of_a_margin_client_shows_its_credit(system: System) -> None:
    balance = show(system, "balance", "bob")
    assert (balance["available"], balance["buying_power"]) == ("50000.00", "100000.00")
    execute(system, client_id="bob", quantity=200, **MARKET)
    balance, portfolio = show(system, "balance", "bob"), show(system, "portfolio", "bob")
    loan, left = Decimal(balance["margin_in_use"]), Decimal(balance["available"])
    assert 22_000 < loan < 25_000
    assert Decimal(balance["withdrawable"]) == left - loan > 0
    assert Decimal(portfolio["total_value"]) == left + Decimal(portfolio["market_value"]) - loan


@pytest.mark.parametrize("route", ROUTES)
def test_the_account_routes_need_their_permission(system: System, route: str) -> None:
    assert ask(system, route, permissions="orders:read")[1]["code"] == "FORBIDDEN"
    unknown = ask(system, route, "mallory")
    assert unknown[0] == (200 if route == "positions" else 404)
    assert ask(system, route)[0] == 200


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("positions", {"limit": "0"}, 422, "VALIDATION_FAILED"),
        ("positions", {"limit": "201"}, 422, "VALIDATION_FAILED"),
        ("positions", {"limit": "many"}, 422, "VALIDATION_FAILED"),
        ("positions", {"limit": "1_0"}, 422, "VALIDATION_FAILED"),
        ("trades", {"limit": "+5"}, 422, "VALIDATION_FAILED"),
        ("transactions", {"limit": "1.0"}, 422, "VALIDATION_FAILED"),
        ("positions", {"closed": "perhaps"}, 422, "VALIDATION_FAILED"),
        ("positions", {"closed": "yes"}, 422, "VALIDATION_FAILED"),
        ("positions", {"cursor": "x"}, 400, "INVALID_CURSOR"),
        ("positions", {"cursor": "W10"}, 400, "INVALID_CURSOR"),
        ("positions", {"cursor": "WyIkIl0"}, 400, "INVALID_CURSOR"),
        ("positions", {"cursor": "A" * 513}, 422, "VALIDATION_FAILED"),
        ("positions/aapl", {}, 422, "VALIDATION_FAILED"),
        ("positions/AAPL%00", {}, 422, "VALIDATION_FAILED"),
        ("positions/" + "A" * 13, {}, 422, "VALIDATION_FAILED"),
        ("positions/CASH", {}, 404, "NOT_FOUND"),
    ],
)
def test_invalid_parameters_are_refused(
    system: System, path: str, query: dict[str, str], status: int, code: str
) -> None:
    answered, body, _ = ask(system, path, **query)
    assert (answered, body["code"]) == (status, code)


def test_a_fill_booked_between_two_reads_is_shown_whole(
    system: System,
) -> None:
    order_id = place(system, quantity=100)["order_id"]
    accounts = system.function("accounts").api.accounts
    read_account, read = accounts.books.account, 0

    def account(client_id: str) -> Any:
        """The fill comes right after the first look at the cash."""
        nonlocal read
        seen, read = read_account(client_id), read + 1
        if read == 1:
            system.run_until(lambda: system.status(order_id) in ("FILLED", "CLEARED"))
        return seen

    accounts.books.account = account
    try:
        portfolio = show(system, "portfolio")
    finally:
        accounts.books.account = read_account
    assert read == 4
    assert portfolio["positions"][0]["quantity"] == 200
    assert portfolio["cash"]["held_for_orders"] == "0.00"
    assert Decimal(portfolio["cash"]["total"]) < 100_000


def test_an_account_that_changes_at_every_read_is_reported_as_busy(system: System) -> None:
    accounts = system.function("accounts").api.accounts
    read_account = accounts.books.account

    def account(client_id: str) -> Any:
        """Somebody writes after every look."""
        seen = read_account(client_id)
        system.books.commit(seen)
        return seen

    accounts.books.account = account
    try:
        status, body, answer = ask(system, "portfolio")
    finally:
        accounts.books.account = read_account
    assert (status, body["code"]) == (503, "ACCOUNT_BUSY")
    assert header(answer, "Retry-After") == "1"


def test_without_last_prices_the_reference_price_is_shown(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    put(
        system.dynamodb,
        f"{PREFIX}control",
        {"name": "LAST#AAPL", "symbol": "AAPL", "price": Decimal(1), "time": "x"},
    )
    system.dynamodb.delete_table(TableName=f"{PREFIX}control")
    assert show(system, "positions/AAPL")["price_source"] == "reference"
    assert '"LastPricesUnavailable"' in capsys.readouterr().out


def test_orders_and_accounts_share_the_rate_limit_of_a_key(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATE_LIMIT_REQUESTS", "2")
    assert system.call("orders", new_order())[0] == 201
    assert [ask(system, "balance")[0] for _ in range(2)] == [200, 429]


def test_unchanged_content_is_not_sent_again(system: System) -> None:
    tag = str(header(ask(system, "portfolio")[2], "ETag"))
    event = request(
        "GET",
        "/api/v1/portfolio",
        headers={"If-None-Match": tag},
        authorizer=principal("alice", "accounts:read"),
    )
    answer = system.invoke("accounts", event)
    assert (answer["statusCode"], answer["body"]) == (304, "")
