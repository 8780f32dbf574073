"""The worked examples of the explanation pages, run through the code that they explain."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.builders import (
    TOMORROW,
    D,
    make_exchange,
    make_execution,
    make_instrument,
    routed_order,
)
from tests.fakes.world import NOW, World
from trading.domain.accounts import transfers
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.accounts.valuation import average_purchase_price
from trading.domain.orders import booking
from trading.domain.orders.order import Order
from trading.domain.reference.calendars import business_date
from trading.domain.values import Side

PAGES = Path(__file__).resolve().parents[2] / "docs" / "explanation"
AVERAGE_COST, CASH, MARGIN = "average cost", "cash", "margin 50 %"
DAILY_LIMIT, REPLACEMENT = "daily limit 20000.00", "replacement"
FEES = "at 0.003 a share"
CASH_LEDGER, SHARES_LEDGER = "cash, buy 100 at 100.00", "shares, buy 100 at 100.00"

Rows = list[list[str]]


def examples(title: str) -> Iterator[Rows]:
    """The rows of each table whose first column has that title."""
    pages = (page.read_text() for page in sorted(PAGES.glob("*.md")))
    for block in "\n\n".join(pages).split("\n\n"):
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in block.strip().splitlines()
        ]
        if rows[0][0] == title:
            yield rows[2:]


def sentence(text: str) -> tuple[str, int, Decimal]:
    """The action as the tables write it, for example `buy 100 at 10.00`."""
    side, quantity, _, price = text.split()
    return side, int(quantity), D(price)


@pytest.mark.parametrize("rows", [*examples(AVERAGE_COST)])
def test_average_cost(rows: Rows) -> None:
    position, account = (
        Position(client_id="alice", symbol="AAPL"),
        Account(client_id="alice", available=D(10_000)),
    )
    for number, (done, *expected) in enumerate(rows):
        side, quantity, price = sentence(done)
        order = routed_order(
            key=f"key-{number}", side=Side(side), quantity=quantity, limit_price=price
        )
        hold = order.hold
        booked = booking.book(
            order,
            make_execution(order, quantity, str(price), execution_id=f"exec-{number}"),
            make_instrument(),
            make_exchange(),
            account.hold(hold.cash, hold.credit),
            position.hold(hold.shares),
            NOW,
        )
        position, account = booked.position, booked.account
        shown = [
            booked.fill.fees,
            position.quantity,
            position.cost_basis,
            average_purchase_price(position) or "",
            position.realised_profit,
        ]
        assert list(map(str, shown)) == expected, done


class Story:
    """One client, and the actions in the rows of a table."""

    def __init__(self, **terms: Any) -> None:
        self.world = World()
        self.world.add_client("dora", **terms)
        self.order: Order | None = None
        self.new: Order | None = None
        self.orders = 0

    def do(self, row: str) -> None:
        match row.split():
            case ["deposit", amount]:
                account = self.world.books.account("dora")
                self.world.books.write(
                    *transfers.deposit_cash(account, D(amount), "a deposit", NOW)
                )
            case ["order", side, quantity, "at", price]:
                self.orders += 1
                terms = {"side": Side(side), "quantity": int(quantity), "limit_price": D(price)}
                self.order = self.world.placed(f"key-{self.orders}", client_id="dora", **terms)
            case ["fill", quantity, "at", price]:
                assert self.order
                self.world.fill(self.order, int(quantity), price)
            case ["cancel"]:
                assert self.order
                self.world.cancel(self.order)
            case ["replace", "by", quantity, "at", price]:
                assert self.order
                changes = {"quantity": int(quantity), "limit_price": D(price)}
                self.new = self.world.replace(self.order, **changes)
            case ["old", "order", "ends"]:
                self.world.run()
            case ["next", "day"]:
                self.world.advance(days=1)
            case ["settle"]:
                self.world.settlement_cycle(TOMORROW)
            case _:
                raise AssertionError(f"what is {row!r}?")

    def cash(self) -> list[str]:
        """The cash balance in the order of the tables' columns."""
        shown = self.world.accounts.balance("dora")
        return [
            str(amount)
            for amount in (
                shown.available,
                shown.held_for_orders,
                shown.unsettled,
                shown.total,
                shown.buying_power,
                shown.withdrawable,
                shown.margin_in_use,
            )
        ]


@pytest.mark.parametrize(
    ("title", "terms"),
    [(CASH, {}), (MARGIN, {"margin_percent": D(50), "credit_limit": D("20000.00")})],
)
def test_cash(title: str, terms: dict[str, Any]) -> None:
    (rows,) = examples(title)
    story = Story(**terms)
    for done, *expected in rows:
        story.do(done)
        assert story.cash() == expected, done
    assert story.world.findings() == []


def test_daily_limit() -> None:
    (rows,) = examples(DAILY_LIMIT)
    limit = D(DAILY_LIMIT.split()[-1])
    story = Story(daily_trading_limit=limit)
    story.do("deposit 100000.00")
    for done, *expected in rows:
        story.do(done)
        answer = ""
        if done.startswith("order"):
            assert story.order
            answer = story.order.history[-1].reason or "accepted"
        counted = story.world.books.account("dora").notional_on(business_date(story.world.now))
        assert [
            answer.rpartition(": ")[2].rstrip("."),
            str(counted),
            str(limit - counted),
        ] == expected, done
    assert story.world.findings() == []


@pytest.mark.parametrize("rows", [*examples(REPLACEMENT)])
def test_replacement(rows: Rows) -> None:
    story = Story()
    for done, *expected in rows:
        story.do(done)
        orders = (story.order, story.new)
        statuses = [str(story.world.current(order).status) if order else "" for order in orders]
        assert [*story.cash()[:3], *statuses] == expected, done
    assert story.world.findings() == []


def test_fees_and_the_holds_for_them() -> None:
    (rows,) = examples(FEES)
    for done, notional, fee, held in rows:
        side, quantity, price = sentence(done)
        order = routed_order(side=Side(side), quantity=quantity, limit_price=price)
        assert str(order.hold.cash) == held
        booked = booking.book(
            order,
            make_execution(order, quantity, str(price)),
            make_instrument(),
            make_exchange(),
            Account(client_id="alice", available=D(held)).hold(D(held), D(0)),
            Position(client_id="alice", symbol="AAPL"),
            NOW,
        )
        assert [str(booked.fill.notional), str(booked.fill.fees)] == [notional, fee]
        assert booked.account.total == 0, "all that was held is paid"


@pytest.mark.parametrize(("title", "asset"), [(CASH_LEDGER, "USD"), (SHARES_LEDGER, "AAPL")])
def test_ledger(title: str, asset: str) -> None:
    (rows,) = examples(title)
    story = Story()
    for done in ("deposit 20000.00", f"order {title.partition(', ')[2]}", "fill 100 at 100.00"):
        story.do(done)
    story.do("settle")
    order = story.order and story.world.current(story.order)
    assert order
    entries = {entry.kind.lower(): entry for entry in story.world.books.entries(order.trades)}
    columns = ("client", "exchange", "fees", "ccp", "depository")
    totals = dict.fromkeys(columns, D(0))
    for done, *cells in rows:
        expected = dict(zip(columns, (D(cell or 0) for cell in cells), strict=True))
        if done == "sum":
            assert totals == expected
            continue
        found = dict.fromkeys(columns, D(0))
        for posting in entries.pop(done).postings:
            if posting.asset == asset:
                found[posting.account.partition(":")[0]] += posting.amount
        assert found == expected, done
        totals = {name: totals[name] + found[name] for name in columns}
    assert entries == {}


def test_every_table_of_the_pages_is_run() -> None:
    """A table whose title has a typing error would not be run."""
    cash = (AVERAGE_COST, CASH, MARGIN, DAILY_LIMIT, REPLACEMENT, FEES)
    titles = (*cash, CASH_LEDGER, SHARES_LEDGER)
    found = {title: len(list(examples(title))) for title in titles}
    assert found == {
        AVERAGE_COST: 3,
        CASH: 1,
        MARGIN: 1,
        DAILY_LIMIT: 1,
        REPLACEMENT: 2,
        FEES: 1,
        CASH_LEDGER: 1,
        SHARES_LEDGER: 1,
    }
