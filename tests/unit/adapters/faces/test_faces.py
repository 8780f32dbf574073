"""What the API shows of orders and trades."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes import builders
from tests.fakes.builders import NOW, make_execution, make_order, make_received, owned, routed_order
from trading.adapters.faces import orders, trades
from trading.adapters.faces.trade_records import BalanceRecord
from trading.domain.accounts.balances import balances
from trading.domain.accounts.cash import Account
from trading.domain.ledger import Fill
from trading.domain.orders import booking, order_entry
from trading.domain.orders.order import Order
from trading.domain.orders.order_entry import Refusal
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import EndReason, RejectReason
from trading.domain.orders.venue_correction import CorrectedSums
from trading.domain.posttrade import clearing, netting
from trading.domain.posttrade.settlement import discharge

D = Decimal
TWO_PRICES = ("100.00", "99.50")


def filled(*prices: str) -> tuple[Order, list[Fill]]:
    """An order of 100, filled in equal parts that are a minute apart."""
    order, fills = routed_order(), []
    for number, price in enumerate(prices):
        when = NOW + timedelta(minutes=number)
        fill = make_execution(order, 100 // len(prices), price, executed_at=when)
        booked = booking.book(
            order,
            fill,
            builders.make_instrument(),
            builders.make_exchange(),
            builders.holding(order),
            owned(order, 0),
            when,
        )
        order = booked.order
        fills.append(booked.fill)
    return order, fills


def test_the_answer_to_an_accepted_order_has_its_time_and_no_reason() -> None:
    order = make_order()
    assert orders.accepted(order).model_dump(mode="json") == {
        "order_id": order.order_id,
        "status": "VALIDATED",
        "timestamp": "2026-11-23T15:00:00.000000Z",
        "reason": None,
        "replaces": None,
    }


def test_the_answer_to_a_placed_order_does_not_change_when_the_order_moves_on() -> None:
    order, _ = filled("100.00")
    assert order.status is OrderStatus.FILLED
    assert orders.accepted(order) == orders.accepted(make_order())
    canceled = routed_order().ended(
        OrderStatus.CANCELED, NOW, EndReason.REMAINDER_CANCELED, "100 of 100 not executed"
    )
    assert orders.accepted(canceled) == orders.accepted(make_order())


def test_the_answer_to_a_rejected_order_has_the_reason() -> None:
    rejected = order_entry.rejected(
        make_received(),
        Refusal(RejectReason.TICK_SIZE, "The price must be a multiple of 0.01."),
        NOW,
    )
    assert orders.accepted(rejected).reason == orders.Reason(
        code="TICK_SIZE", message="The price must be a multiple of 0.01."
    )
    shown = orders.order_view(rejected, [])
    assert shown.reason == orders.accepted(rejected).reason
    assert [step.status for step in shown.status_history] == ["RECEIVED", "REJECTED"]
    assert shown.status_history[1].reason == "The price must be a multiple of 0.01."


def test_an_order_is_shown_with_its_executions_clearing_and_settlement() -> None:
    order, fills = filled(*TWO_PRICES)
    obligations = [netting.obligation_of(fill) for fill in fills]
    net = netting.net("AAPL", fills[0].settlement_date, obligations)
    novations = [clearing.novate(fill, D(50), net, NOW) for fill in fills]
    position = owned(order, 100)
    settled = discharge(
        fills[0], "CSD-1", fills[0].settlement_date, builders.holding(order), position, NOW
    ).settlement
    shown = orders.order_view(order, [*fills, *novations, settled]).model_dump(mode="json")
    assert [detail["executed_price"] for detail in shown["execution_details"]] == [
        "100.00",
        "99.50",
    ]
    assert [detail["execution_fees"] for detail in shown["execution_details"]] == ["0.15", "0.15"]
    assert [detail["margin_required"] for detail in shown["clearing_details"]] == [
        "2500.00",
        "2487.50",
    ]
    assert {detail["clearing_status"] for detail in shown["clearing_details"]} == {"CLEARED"}
    assert shown["clearing_details"][0]["net_positions"] == [
        {
            "symbol": "AAPL",
            "settlement_date": "2026-11-24",
            "net_quantity": 100,
            "net_amount": "-9975.00",
        }
    ]
    (settlement,) = shown["settlement_details"]
    assert (settlement["final_amount"], settlement["settlement_status"]) == ("5000.15", "SETTLED")
    assert settlement["settlement_date"] == date(2026, 11, 24).isoformat()
    assert (shown["average_price"], shown["fees"], shown["filled_quantity"]) == (
        "99.7500",
        "0.30",
        100,
    )


def test_money_is_text_in_json_everywhere() -> None:
    order, fills = filled("100.00")

    def numbers(value: Any) -> list[float]:
        children = (
            value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
        )
        return (
            [value]
            if isinstance(value, float)
            else [n for child in children for n in numbers(child)]
        )

    assert numbers(orders.order_view(order, fills).model_dump(mode="json")) == []
    assert numbers(trades.execution_summary(order, fills).model_dump(mode="json")) == []


def test_an_execution_summary_covers_all_fills_in_the_order_of_their_times() -> None:
    order, fills = filled(*TWO_PRICES)
    summary = trades.execution_summary(order, fills[::-1])
    assert (summary.executed_quantity, summary.executed_price, summary.execution_fees) == (
        100,
        D("99.75"),
        D("0.30"),
    )
    assert [detail.trade_id for detail in summary.executions] == [fill.trade_id for fill in fills]
    assert (summary.execution_id, summary.timestamp) == (
        fills[1].execution_id,
        NOW + timedelta(minutes=1),
    )


def test_an_execution_summary_counts_no_busted_execution_and_lists_it() -> None:
    order, fills = filled(*TWO_PRICES)
    busted = fills[1]
    order = order.trade_corrected(
        CorrectedSums(
            client_order_id=f"{order.order_id}-1",
            reversed_trade=busted.trade_id,
            corrected_by=None,
            filled=-busted.quantity,
            executed=0,
            settled=0,
            notional=-busted.notional,
            fees=-busted.fees,
            reason="busted",
        ),
        NOW,
    )
    summary = trades.execution_summary(order, fills)
    assert (summary.executed_quantity, summary.executed_price) == (50, D("100.0000"))
    assert (summary.execution_fees, summary.execution_id) == (D("0.15"), fills[0].execution_id)
    assert [detail.status for detail in summary.executions] == ["booked", "busted"]


def test_the_total_balance_includes_unsettled_proceeds() -> None:
    account = Account(client_id="alice", available=D("5.00"), unsettled=D("7.00"))
    record = BalanceRecord.of("alice", balances(account, D(100)))
    assert (record.available_balance, record.total_balance) == (D("5.00"), D("12.00"))


@pytest.mark.parametrize("order", [make_order(), routed_order()])
def test_an_order_without_fills_has_no_execution_summary(order: Order) -> None:
    summary = trades.execution_summary(order, [])
    assert (summary.executed_quantity, summary.execution_fees, summary.executions) == (0, 0, ())
    assert (
        summary.execution_id
        is summary.executed_price
        is summary.timestamp
        is summary.exchange_id
        is None
    )
