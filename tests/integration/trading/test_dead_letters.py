"""Work that cannot succeed ends in a DLQ or as a break. It is visible and stops no other work."""

from decimal import Decimal
from typing import Any

from tests.integration.system import System
from tests.integration.trading.books import NAMES
from tests.integration.trading.orders import cleared_order, place, show
from trading.domain.ledger import Break, Fill
from trading.messages import ClearOrder, PollOrder, ReportReceived, SettleClient
from trading.wire import ExecutionReport


def report_of(fill: Fill, **changes: Any) -> ReportReceived:
    """The exchange's report of a fill again, but for the changes."""
    values: dict[str, Any] = {
        "exchange_id": fill.exchange_id,
        "execution_id": fill.execution_id,
        "client_order_id": f"{fill.order_id}-1",
        "exchange_order_id": "x-1",
        "account": fill.client_id,
        "symbol": fill.symbol,
        "side": fill.side,
        "exec_type": "TRADE",
        "last_quantity": fill.quantity,
        "last_price": fill.price,
        "cumulative_quantity": fill.quantity,
        "leaves_quantity": 0,
        "transact_time": fill.executed_at,
        "correlation_id": "corr-1",
    }
    report = ExecutionReport(**(values | changes))
    return ReportReceived(client_id=report.account, correlation_id="corr-1", report=report)


def breaks(system: System, order_id: str) -> list[Break]:
    order = system.books.order(order_id)
    assert order
    return [entry for entry in system.books.entries(order.trades) if isinstance(entry, Break)]


def first_fill(system: System, order_id: str) -> Fill:
    order = system.books.order(order_id)
    assert order
    fill = system.books.fill(order.trades[0])
    assert fill
    return fill


def test_a_message_about_an_unknown_order_moves_to_the_dlq(
    system: System,
) -> None:
    lost = PollOrder(client_id="alice", correlation_id="corr-1", order_id="ord_lost")
    system.send("execution", "alice", lost.model_dump_json())
    cleared_order(system)
    (letter,) = system.messages("EXECUTION_DLQ_URL")
    assert PollOrder.model_validate_json(letter["Body"]) == lost
    assert "NotFoundError" in letter["MessageAttributes"]["reason"]["StringValue"]


def test_clearing_and_settlement_messages_about_unknown_orders_move_to_the_dlq(
    system: System,
) -> None:
    clear = ClearOrder(client_id="alice", correlation_id="corr-1", order_id="ord_lost")
    settle = SettleClient(client_id="nobody", correlation_id="cycle", settlement_date="2026-01-06")
    system.send("clearing", "alice", clear.model_dump_json())
    system.send("settlement", "nobody", settle.model_dump_json())
    assert system.deliver("clearing") == system.deliver("settlement") == []
    assert (
        len(system.messages("CLEARING_DLQ_URL")) == len(system.messages("SETTLEMENT_DLQ_URL")) == 1
    )


def test_an_order_whose_execution_cannot_be_booked_is_flagged_for_review(system: System) -> None:
    order_id = place(system)["order_id"]
    system.run_until(lambda: system.status(order_id) == "ROUTING")
    system.dynamodb.delete_item(
        TableName=NAMES.reference, Key={"kind": {"S": "INSTRUMENT"}, "id": {"S": "AAPL"}}
    )
    system.venues.match()
    assert system.deliver("execution") == []
    order = system.books.order(order_id)
    assert order
    assert order.review_reason
    assert "reference data" in order.review_reason
    assert len(system.messages("EXECUTION_DLQ_URL")) > 0


def test_a_repeated_execution_with_other_numbers_is_a_break(
    system: System,
) -> None:
    order_id = cleared_order(system)
    fill, cash = first_fill(system, order_id), system.books.account("alice").total
    for _ in range(2):
        system.send(
            "execution", "alice", report_of(fill, last_price=Decimal("1.00")).model_dump_json()
        )
        assert system.deliver("execution") == []
        system.venues.pass_time(301)
    (kept,) = breaks(system, order_id)
    assert kept.code == "EXECUTION_CHANGED"
    assert kept.evidence["price"] == "1.00"
    assert show(system, order_id)["current_status"] == "CLEARED"
    assert system.books.account("alice").total == cash
    assert [finding.subject for finding in system.findings()] == [kept.trade_id]


def test_an_execution_without_an_order_is_a_break_and_changes_nothing(
    system: System,
) -> None:
    order_id = cleared_order(system)
    fill, cash = first_fill(system, order_id), system.books.account("alice").total
    for changes in (
        {"client_order_id": "ord_never-1"},
        {"client_order_id": f"{order_id}-9"},
        {"account": "bob"},
    ):
        stray = report_of(fill, execution_id=f"stray-{changes}"[:64], **changes)
        system.send("execution", stray.client_id, stray.model_dump_json())
        assert system.deliver("execution") == []
    assert {finding.message for finding in system.findings()} == {
        "break UNKNOWN_ORDER: no such child order of that account at that exchange"
    }
    assert len(system.findings()) == 3
    assert system.books.account("alice").total == cash
    assert system.books.position("bob", "AAPL").quantity == 0
