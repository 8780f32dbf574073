"""Booking a fill: what it writes, that the entries balance, and what is refused."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import (
    NOW,
    D,
    holding,
    make_client,
    make_exchange,
    make_execution,
    make_instrument,
    owned,
    routed_order,
)
from tests.unit.domain.strategies import Script, scripts
from trading.domain import ledger
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.errors import NegativeBalanceError
from trading.domain.ledger import Posting
from trading.domain.orders.booking import BookingResult, Breach, VenueExecution, book
from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import EndReason
from trading.domain.values import Side, TimeInForce


def booked(
    order: Order,
    quantity: int,
    price: str,
    account: Account | None = None,
    position: Position | None = None,
    fee: str = "0.003",
    execution: VenueExecution | None = None,
    now: datetime = NOW,
) -> BookingResult:
    return book(
        order,
        execution or make_execution(order, quantity, price),
        make_instrument(),
        make_exchange("XNYS", fee),
        account or holding(order),
        position or owned(order, 1000 if order.side is Side.SELL else 0, "50000.00"),
        now,
    )


def postings(booking: BookingResult) -> set[tuple[str, str, Decimal]]:
    return {(p.account, p.asset, p.amount) for p in booking.fill.postings}


def test_booking_a_buy() -> None:
    order = routed_order()
    booking = booked(order, 100, "99.50", holding(order, "20000.00"))
    assert booking.order.status is OrderStatus.FILLED
    assert booking.order.children[0].status is ChildStatus.FILLED
    assert (booking.order.filled_notional, booking.order.fees) == (D("9950.00"), D("0.30"))
    assert booking.order.trades == (booking.fill.trade_id,)
    assert booking.account.available == D("20000.00") - D("9950.30")
    assert booking.account.held == 0
    assert booking.account.open_orders == ()
    assert (booking.position.available, booking.position.unsettled) == (100, 100)
    assert postings(booking) == {
        ("client:alice", "USD", D("-9950.30")),
        ("exchange:XNYS", "USD", D("9950.00")),
        ("fees:XNYS", "USD", D("0.30")),
        ("client:alice", "AAPL", D(100)),
        ("exchange:XNYS", "AAPL", D(-100)),
    }


def test_booking_a_sale() -> None:
    order = routed_order(side=Side.SELL)
    booking = booked(order, 40, "101.00")
    assert booking.account.open_order_ids == (order.order_id,)
    assert booking.order.status is OrderStatus.PARTIALLY_FILLED
    assert booking.account.unsettled == D("4039.88"), "the proceeds less fees"
    assert booking.account.available == D("1000000.00"), (
        "the proceeds are not available before settlement"
    )
    assert (booking.position.available, booking.position.held, booking.position.unsettled) == (
        900,
        60,
        -40,
    )
    assert postings(booking) == {
        ("client:alice", "USD", D("4039.88")),
        ("exchange:XNYS", "USD", D("-4040.00")),
        ("fees:XNYS", "USD", D("0.12")),
        ("client:alice", "AAPL", D(-40)),
        ("exchange:XNYS", "AAPL", D(40)),
    }


def test_a_buy_on_margin_draws_credit_and_lends_cash() -> None:
    order = routed_order(client=make_client(margin_percent=D(50)))
    account = holding(order, available="6000.00", credit="8000.00")
    booking = booked(order, 100, "100.00", account)
    assert booking.fill.drawn == D("5000.15")
    assert booking.account.total == D("6000.00") - D("5000.15")
    assert booking.account.credit_used == D("5000.15")
    assert booking.account.credit_available == D("8000.00") - D("5000.15")
    assert ("lending", "USD", D("-5000.15")) in postings(booking)
    assert ("client:alice", "USD", D("-5000.15")) in postings(booking)


def test_a_better_price_releases_the_difference_at_once() -> None:
    order = routed_order(quantity=100)
    account = holding(order, available="10000.30")
    assert account.available == 0
    booking = booked(order, 50, "90.00", account)
    assert booking.account.available == D("500.00")
    assert booking.account.held == booking.order.hold.cash == D("5000.15")


def test_a_cheaper_exchange_releases_the_rest_of_the_held_fee() -> None:
    order = routed_order()
    booking = booked(order, 100, "100.00", holding(order, "10000.30"), fee="0.001")
    assert booking.account.available == D("0.20")


def test_many_small_fills_cost_no_more_fees_than_one_large_fill() -> None:
    assert booked(routed_order(), 3, "100.00").fill.fees == 0
    assert booked(routed_order(), 4, "100.00").fill.fees == D("0.01")


def test_a_fee_never_exceeds_the_proceeds() -> None:
    order = routed_order(side=Side.SELL, limit_price=D("0.01"))
    booking = booked(order, 1, "0.01", fee="5.00")
    assert (booking.fill.fees, booking.account.unsettled) == (D("0.01"), 0)


def test_the_average_cost_includes_fees_and_a_sale_takes_out_its_part() -> None:
    first = booked(
        routed_order(), 100, "100.00", position=Position(client_id="alice", symbol="AAPL")
    )
    assert first.position.cost_basis == D("10000.30")
    second = booked(routed_order(key="key-2"), 100, "90.00", position=first.position)
    assert second.position.cost_basis == D("19000.60")
    sale = routed_order(side=Side.SELL)
    sold = booked(sale, 50, "110.00", position=second.position.hold(100))
    assert sold.position.cost_basis == D("14250.45")
    assert sold.position.realised_profit == D("5499.85") - D("4750.15")


def test_no_cost_remains_after_all_shares_are_sold() -> None:
    sale = routed_order(side=Side.SELL, quantity=3)
    position = owned(sale, 3, "100.00")
    sold = booked(sale, 1, "100.00", position=position)
    rest = booked(sold.order, 2, "100.00", account=sold.account, position=sold.position)
    assert (sold.position.cost_basis, rest.position.cost_basis) == (D("66.67"), 0)


def test_a_price_in_fractions_of_a_cent_is_booked_in_cents() -> None:
    booking = booked(routed_order(), 3, "99.9950")
    assert booking.fill.notional == D("299.99"), "299.985 is rounded half up"


@pytest.mark.parametrize(
    ("executed_at", "trade_date", "settles"),
    [
        (datetime(2026, 11, 23, 20, 59, tzinfo=UTC), date(2026, 11, 23), date(2026, 11, 24)),
        (datetime(2026, 11, 23, 21, 1, tzinfo=UTC), date(2026, 11, 23), date(2026, 11, 24)),
        (datetime(2026, 11, 25, 15, 0, tzinfo=UTC), date(2026, 11, 25), date(2026, 11, 27)),
    ],
)
def test_a_fill_has_a_trade_date_and_a_settlement_date(
    executed_at: datetime, trade_date: date, settles: date
) -> None:
    order = routed_order(time_in_force=TimeInForce.GTC)
    execution = make_execution(order, 1, "100.00", executed_at=executed_at)
    fill = booked(order, 1, "100.00", execution=execution, now=executed_at).fill
    assert (fill.trade_date, fill.settlement_date) == (trade_date, settles)


@given(scripts(), st.integers(0, 5))
def test_every_fill_balances_and_account_position_and_ledger_agree(
    script: Script, spare: int
) -> None:
    order = script.order
    account = holding(order, available=str(order.hold.cash), credit=str(order.hold.credit))
    position = owned(order, (order.quantity if order.side is Side.SELL else 0) + spare)
    cash, shares = account.total, position.quantity
    client = ledger.client_account("alice")
    for number, (quantity, price) in enumerate(script.fills):
        execution = make_execution(order, quantity, str(price), execution_id=f"e{number}")
        booking = book(order, execution, script.instrument, script.exchange, account, position, NOW)
        order, account, position = booking.order, booking.account, booking.position
        moved: dict[tuple[str, str], Decimal] = {}
        for p in booking.fill.postings:
            moved[p.account, p.asset] = moved.get((p.account, p.asset), D(0)) + p.amount
        for asset in ("USD", "AAPL"):
            assert sum(amount for (_, a), amount in moved.items() if a == asset) == 0
        cash += moved.get((client, "USD"), D(0))
        shares += int(moved.get((client, "AAPL"), D(0)))
        assert (account.total, position.quantity) == (cash, shares)
        assert booking.fill.fees <= script.exchange.fee_per_share * quantity
        signed = order.side.sign * (booking.fill.notional + order.side.sign * booking.fill.fees)
        assert moved.get((client, "USD"), D(0)) == booking.fill.drawn - signed
    assert order.filled_quantity == sum(quantity for quantity, _ in script.fills)
    assert (order.status is OrderStatus.FILLED) == (order.filled_quantity == order.quantity)


def refused(order: Order, execution: VenueExecution) -> str:
    with pytest.raises(Breach) as breach:
        booked(order, 1, "1.00", execution=execution)
    return breach.value.code


def test_a_fill_beyond_the_childs_quantity_is_refused() -> None:
    order = routed_order(("XNYS", 60), ("XNAS", 40))
    assert refused(order, make_execution(order, 61, "100.00")) == "OVERFILL"
    assert booked(order, 60, "100.00").order.filled_quantity == 60


def test_a_fill_beyond_the_announced_end_is_refused() -> None:
    order = routed_order()
    order = order.child_ended(f"{order.order_id}-1", ChildStatus.CANCELED, 30, None)
    assert refused(order, make_execution(order, 31, "100.00")) == "OVERFILL"


def test_a_fill_of_a_child_that_ended_is_refused() -> None:
    order = routed_order()
    order = order.child_ended(f"{order.order_id}-1", ChildStatus.REJECTED, 0, None)
    assert refused(order, make_execution(order, 1, "100.00")) == "OVERFILL"


def test_a_fill_of_a_closed_order_is_refused() -> None:
    order = routed_order().ended(OrderStatus.CANCELED, NOW, EndReason.CANCELED, "asked")
    assert refused(order, make_execution(order, 1, "100.00")) == "OVERFILL"


@pytest.mark.parametrize(
    ("side", "price", "better"), [(Side.BUY, "100.01", "100.00"), (Side.SELL, "99.99", "100.00")]
)
def test_a_price_worse_than_the_limit_is_refused(side: Side, price: str, better: str) -> None:
    order = routed_order(side=side)
    assert refused(order, make_execution(order, 1, price)) == "PRICE_WORSE_THAN_LIMIT"
    assert booked(order, 1, better).order.filled_quantity == 1


def test_a_fill_of_an_unknown_child_is_refused() -> None:
    order = routed_order()
    assert refused(
        order, make_execution(order, 1, "100.00", client_order_id=f"{order.order_id}-2")
    ) == ("UNKNOWN_CHILD_ORDER")


def test_a_fill_by_an_exchange_that_never_got_the_child_is_refused() -> None:
    order = routed_order()
    assert (
        refused(order, make_execution(order, 1, "100.00", exchange_id="XNAS"))
        == "UNKNOWN_CHILD_ORDER"
    )


def test_booking_against_an_account_without_the_hold_is_an_error() -> None:
    with pytest.raises(NegativeBalanceError):
        booked(
            routed_order(),
            1,
            "100.00",
            account=Account(client_id="alice", available=D("100000.00")),
        )


def test_an_unbalanced_entry_cannot_be_made() -> None:
    fill = booked(routed_order(), 1, "100.00").fill
    fields = fill.model_dump() | {
        "postings": [*fill.postings, Posting(account="x", asset="USD", amount=D("0.01"))]
    }
    with pytest.raises(ValueError, match="does not balance"):
        ledger.Fill(**fields)


def test_a_client_pays_no_more_fees_than_were_held_when_the_tariff_rises() -> None:
    order = routed_order()
    assert booked(order, 100, "100.00", holding(order, "10000.30"), fee="0.05").fill.fees == D(
        "0.30"
    )
    assert booked(routed_order(side=Side.SELL), 100, "100.00", fee="0.05").fill.fees == D("5.00")


@pytest.mark.parametrize("year", [1999, 2025, 2030, 2050])
@pytest.mark.parametrize("time_in_force", [TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC])
def test_a_fill_of_another_year_is_refused(year: int, time_in_force: TimeInForce) -> None:
    order = routed_order(time_in_force=time_in_force)
    execution = make_execution(order, 1, "100.00", executed_at=NOW.replace(year=year))
    assert refused(order, execution) == "IMPLAUSIBLE_TIME"


def test_a_fill_after_the_end_of_the_calendar_is_refused() -> None:
    late = NOW.replace(year=2041)
    order = routed_order(time_in_force=TimeInForce.GTC)
    execution = make_execution(order, 1, "100.00", executed_at=late)
    with pytest.raises(Breach, match="2040"):
        booked(order, 1, "100.00", execution=execution, now=late)
