"""Corrections and busts on the deployed system: the simulated exchange makes them, and the books of
both sides agree afterwards.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from local import books, day
from local.api import TradingClient
from tests.system.exchange_books import OutsideWorld
from tests.system.our_books import break_about, forget_breaks, last_trade, rewrite_times
from tests.system.test_edges import Venue
from tests.system.waiting import wait_for
from trading.domain import identifiers
from trading.domain.ledger import BreakCode
from trading.domain.orders.child_order import ChildOrder
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.reference import calendars
from trading.domain.values import iso
from trading.wire import ExecType
from workstation.local_system import LocalSystem

pytestmark = pytest.mark.timeout(900)

QUANTITY = 12
BUY = {
    "client_id": "alice",
    "stock_symbol": "IBM",
    "quantity": QUANTITY,
    "order_type": "market",
    "side": "buy",
    "time_in_force": "DAY",
}
RESTING = BUY | {"order_type": "limit", "price": "190.00", "time_in_force": "GTC"}
LATER = 86_400
"""Seconds, longer than the test. The exchange acts when the test makes it look at the order."""
STAGES = ("before clearing", "after clearing", "after settlement")
BEFORE_THE_EXCHANGE = (OrderStatus.RECEIVED, OrderStatus.VALIDATED, OrderStatus.ROUTING)


@pytest.fixture
def outside(system: LocalSystem) -> Iterator[OutsideWorld]:
    world = OutsideWorld(system)
    yield world
    world.forget()


@pytest.fixture
def venue(system: LocalSystem, callbacks_url: str) -> Venue:
    return Venue(system, callbacks_url)


class Alice:
    """What a client sees of its accounts."""

    def __init__(self, client: TradingClient, system: LocalSystem) -> None:
        self._client = client
        self._system = system

    def place(self, order: dict[str, Any]) -> str:
        placed = self._client.place(order, str(uuid4())).raise_for_status()
        return str(placed.json()["order_id"])

    def read(self, path: str, **query: str) -> Any:
        return self._client.get(f"/api/v1/{path}", **query).raise_for_status().json()

    def until(self, order_id: str, *statuses: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            shown: dict[str, Any] = self.read(f"orders/{order_id}")
            return shown if shown["current_status"] in statuses else None

        return wait_for(look, f"{order_id} to be {statuses}")

    def cash(self) -> Decimal:
        return Decimal(self.read("balance")["total"])

    def shares(self) -> tuple[int, int]:
        """Of IBM: the quantity, and what is not settled of it."""
        shown = self.read("positions", closed="true", limit="100")["items"]
        found = [p for p in shown if p["symbol"] == "IBM"]
        return (found[0]["quantity"], found[0]["unsettled"]) if found else (0, 0)

    def record(self, order_id: str) -> Order:
        found = books.snapshot(self._system, day_is_over=False).orders
        return next(order for order in found if order.order_id == order_id)

    def child(self, order_id: str) -> ChildOrder:
        """The only child of an order, once its exchange has it."""

        def look() -> ChildOrder | None:
            children = self.record(order_id).children
            return children[0] if children else None

        return wait_for(look, f"a child of {order_id}")

    def trades(self, order_id: str) -> list[dict[str, Any]]:
        return [t for t in self.read("trades", symbol="IBM")["items"] if t["order_id"] == order_id]

    def statement(self, order_id: str) -> list[dict[str, Any]]:
        lines = self.read("transactions", symbol="IBM", limit="100")["items"]
        return [line for line in lines if line["order_id"] == order_id]


@pytest.fixture
def client(alice: TradingClient, system: LocalSystem) -> Alice:
    return Alice(alice, system)


def client_order_id(order_id: str, child: ChildOrder) -> str:
    return identifiers.child_order_id(order_id, child.number)


def settle(system: LocalSystem) -> None:
    """Settles what is due on the next settlement date, as the evening's cycle will."""
    due = calendars.settlement_date(day.business_date(), 1)
    day.settle(system, due, lambda: None)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("change", ["bust_rate", "correct_rate"])
def test_the_books_follow_a_correction_and_so_do_those_outside(
    system: LocalSystem,
    outside: OutsideWorld,
    venue: Venue,
    client: Alice,
    ops: Callable[..., Any],
    stage: str,
    change: str,
) -> None:
    cash, (shares, unsettled) = client.cash(), client.shares()
    at_once = stage == "before clearing"
    outside.behave(**{change: 1, "correction_seconds": 0 if at_once else LATER})
    order_id = client.place(BUY)
    child = client.child(order_id)
    name = client_order_id(order_id, child)
    if not at_once:
        client.until(order_id, "CLEARED")
        assert client.shares()[0] == shares + QUANTITY
        if stage == "after settlement":
            settle(system)
            client.until(order_id, "SETTLED")
        outside.behave(**{change: 1})
        outside.look(child, name)

    def all_reversed() -> list[dict[str, Any]] | None:
        """The list is no snapshot: what corrects a trade in it may be missing from it."""
        listed = client.trades(order_id)
        executed = [t for t in listed if t["corrects"] is None]
        there = sum(t["quantity"] for t in executed) == QUANTITY
        booked = [t["corrects"] for t in listed if t["status"] == "booked"]
        wanted = len(executed) if change == "correct_rate" else 0
        return listed if there and None not in booked and len(booked) == wanted else None

    trades = wait_for(all_reversed, f"the reversals of {order_id}")
    record = outside.order(child, name)
    changes = [d.report for d in record.dispatches if d.report.reference_execution_id]
    assert changes, "the exchange changed nothing"
    executed = sum(trade["corrects"] is None for trade in trades)
    assert len(changes) == executed, "each execution is changed once"
    _send_again(venue, changes)
    standing = [trade for trade in trades if trade["status"] == "booked"]

    def all_cleared() -> bool | None:
        """A settlement that began earlier would find nothing due."""
        cleared = {
            each["trade_id"] for each in client.read(f"orders/{order_id}")["clearing_details"]
        }
        return True if cleared >= {trade["trade_id"] for trade in standing} else None

    wait_for(all_cleared, f"the clearing of {order_id}")
    settle(system)

    corrects = change == "correct_rate"
    expected = "corrected" if corrects else "busted"
    assert {t["status"] for t in trades if t["corrects"] is None} == {expected}
    assert len(standing) == (executed if corrects else 0)
    filled = sum(trade["quantity"] for trade in standing)
    assert (record.booked.cumulative_quantity, record.booked.busted_quantity) == (
        filled,
        QUANTITY - filled,
    )
    shown = client.until(order_id, *(("SETTLED",) if filled == QUANTITY else ("CANCELED",)))
    assert (shown["filled_quantity"], shown["busted_quantity"]) == (filled, QUANTITY - filled)
    if not filled:
        assert shown["reason"]["code"] == "EXECUTION_BUSTED"

    paid = sum((Decimal(t["notional"]) + Decimal(t["fees"]) for t in standing), Decimal(0))
    assert client.cash() == cash - paid
    assert all(Decimal(t["notional"]) == t["quantity"] * Decimal(t["price"]) for t in standing)
    assert Decimal(shown["fees"]) == sum((Decimal(t["fees"]) for t in standing), Decimal(0))
    settled = wait_for(
        lambda: shares_ if (shares_ := client.shares())[1] == unsettled else None,
        "everything to settle",
    )
    assert settled == (shares + filled, unsettled)
    _check_statement(client, order_id, filled, paid)
    _check_depository(outside, trades, stage)
    gone = {trade["trade_id"] for trade in trades if trade["status"] != "booked"}
    wait_for(lambda: last_trade(system, "IBM") not in gone or None, "the price to be taken back")
    report = ops("reconciliation", "run", "--reason", "a test of corrections")
    assert (report["complete"], report["findings"]) == (True, [])
    assert order_id not in {each["order_id"] for each in report["recent_breaks"]}


def _send_again(venue: Venue, changes: list[Any]) -> None:
    """Repeat the reports of an exchange, one of them under another name of the message."""
    for report in changes:
        fields = report.model_dump(mode="json") | {"correlation_id": "again"}
        execution_id, exchange_id = fields.pop("execution_id"), fields.pop("exchange_id")
        answer = venue.report(execution_id, key_id=exchange_id, exchange_id=exchange_id, **fields)
        assert answer.status_code in (200, 422), answer.text


def _check_statement(client: Alice, order_id: str, filled: int, paid: Decimal) -> None:
    """All lines about an order sum to what is left of it, once the index has them all."""

    def sums() -> tuple[int, Decimal, int, Decimal]:
        lines = client.statement(order_id)
        return (
            sum(line["quantity"] for line in lines),
            sum((Decimal(line["amount"]) for line in lines), Decimal(0)),
            sum(line["unsettled_quantity"] for line in lines),
            sum((Decimal(line["unsettled_amount"]) for line in lines), Decimal(0)),
        )

    expected = (filled, -paid, 0, Decimal(0))
    wait_for(lambda: sums() == expected or None, "the lines of the statement")
    assert any(line["type"] == "reversal" for line in client.statement(order_id))


def _check_depository(outside: OutsideWorld, trades: list[dict[str, Any]], stage: str) -> None:
    """The depository settled what stands. It has a busted trade only together with its reversal."""
    for trade in trades:
        trade_id = trade["trade_id"]
        there = outside.instruction(identifiers.settlement_id(trade_id))
        back = outside.instruction(identifiers.settlement_id(identifiers.reversal_id(trade_id)))
        if trade["status"] == "booked":
            assert there is not None
            assert (there.instruction.quantity, back) == (trade["quantity"], None)
        elif stage == "after settlement":
            assert there is not None
            assert back is not None
            assert there.instruction.direction is not back.instruction.direction
            assert there.instruction.quantity == back.instruction.quantity == trade["quantity"]
        else:
            assert (there, back) == (None, None)


def test_an_unknown_event_without_a_price_is_kept_and_the_fill_behind_it_booked(
    system: LocalSystem, outside: OutsideWorld, venue: Venue, client: Alice
) -> None:
    outside.behave(late_rate=1, late_seconds=LATER)
    order_id = client.place(BUY)
    child = client.child(order_id)
    name = client_order_id(order_id, child)
    event = f"event-{uuid4()}"
    said = venue.report(
        event,
        key_id=child.exchange_id,
        exchange_id=child.exchange_id,
        client_order_id=name,
        symbol="IBM",
        exec_type="TRADE_HELD",
        last_quantity=0,
        last_price="0",
    )
    assert said.status_code == 200, said.text
    entry = wait_for(lambda: break_about(system, child.exchange_id, event), "the event to be kept")
    assert (entry.code, entry.evidence["exec_type"]) == (BreakCode.NOT_UNDERSTOOD, "OTHER")
    assert "TRADE_HELD" in entry.reason
    executed_at = datetime.now(UTC)
    wait_for(
        lambda: outside.order(child, name).booked.status.is_final or None, "the execution outside"
    )
    outside.backdate(child, name, executed_at)
    outside.look(child, name)
    shown = client.until(order_id, "CLEARED", "SETTLED")
    assert shown["filled_quantity"] == QUANTITY
    assert client.record(order_id).review_reason is None
    settle(system)
    forget_breaks(system, entry)


@pytest.mark.parametrize("years", [-1, 4])
def test_an_execution_at_an_impossible_time_waits_for_people_and_is_not_booked(
    system: LocalSystem,
    outside: OutsideWorld,
    venue: Venue,
    client: Alice,
    alice: TradingClient,
    ops: Callable[..., Any],
    years: int,
) -> None:
    outside.behave()
    cash, shares = client.cash(), client.shares()
    order_id = client.place(RESTING)
    child = client.child(order_id)
    execution_id = f"impossible-{uuid4()}"
    said = venue.report(
        execution_id,
        key_id=child.exchange_id,
        exchange_id=child.exchange_id,
        client_order_id=client_order_id(order_id, child),
        symbol="IBM",
        exec_type=ExecType.TRADE,
        last_quantity=QUANTITY - 1,
        last_price="190.00",
        cumulative_quantity=QUANTITY - 1,
        transact_time=iso(datetime.now(UTC) + timedelta(days=365 * years)),
    )
    assert said.status_code == 200, said.text
    entry = wait_for(lambda: break_about(system, child.exchange_id, execution_id), "a break")
    assert (entry.code, entry.order_id) == (BreakCode.IMPLAUSIBLE_TIME, order_id)
    flagged = ops("orders", "show", order_id)
    assert flagged["order"]["review_reason"] == "IMPLAUSIBLE_TIME"
    assert (client.trades(order_id), client.cash(), client.shares()) == ([], cash, shares)
    resolved = ops("orders", "resolve", order_id, "--reason", "the exchange took it back")
    assert resolved == {"order_id": order_id, "resolved": "IMPLAUSIBLE_TIME"}
    alice.cancel(order_id, str(uuid4())).raise_for_status()
    client.until(order_id, "CANCELED")
    assert (client.cash(), client.shares()) == (cash, shares)
    forget_breaks(system, entry)


def test_a_report_that_comes_after_its_session_is_booked_on_the_date_of_that_session(
    system: LocalSystem, outside: OutsideWorld, client: Alice
) -> None:
    outside.behave(late_rate=1, late_seconds=LATER)
    cash, (shares, _) = client.cash(), client.shares()
    order_id = client.place(BUY)
    child = client.child(order_id)
    name = client_order_id(order_id, child)
    wait_for(
        lambda: outside.order(child, name).booked.status.is_final or None, "the execution outside"
    )
    session = day.business_date() - timedelta(days=1)
    while not calendars.is_trading_day(session):
        session -= timedelta(days=1)
    sent_at = calendars.close_of(session) - timedelta(minutes=2)
    times = rewrite_times(system, order_id, session, [sent_at] * len(BEFORE_THE_EXCHANGE))
    outside.backdate(child, name, sent_at + timedelta(minutes=1))
    outside.look(child, name)
    client.until(order_id, "CLEARED", "SETTLED")
    trades = client.trades(order_id)
    assert {trade["trade_date"] for trade in trades} == {session.isoformat()}
    due = calendars.settlement_date(session, 1)
    assert {trade["settlement_date"] for trade in trades} == {due.isoformat()}
    day.settle(system, due, lambda: None)
    client.until(order_id, "SETTLED")
    paid = sum((Decimal(t["notional"]) + Decimal(t["fees"]) for t in trades), Decimal(0))
    assert (client.cash(), client.shares()[0]) == (cash - paid, shares + QUANTITY)
    rewrite_times(system, order_id, session, times)
    forget_breaks(system)
