"""The status and the reason of an order that ends before it is filled."""

from tests.fakes.builders import NOW, D, make_order
from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.order import Order
from trading.domain.orders.order_end import SELF_TRADE_PREVENTED, end_of
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import EndReason
from trading.domain.orders.routing import Step


def refused_elsewhere(filled: int) -> Order:
    """An order of 100 shares. One exchange had 60 of them, and another refused the rest."""
    order = make_order(quantity=100).routed((("XNYS", 60), ("BATS", 40)), NOW)
    if filled:
        order = order.filled(f"{order.order_id}-1", "trd_1", filled, D("6000.00"), D("0.18"), NOW)
    else:
        order = order.child_ended(f"{order.order_id}-1", ChildStatus.REJECTED, 0, "why")
    return order.child_ended(f"{order.order_id}-2", ChildStatus.REJECTED, 0, "why")


def test_an_order_that_was_executed_in_part_is_canceled_and_not_rejected() -> None:
    assert end_of(refused_elsewhere(60), Step.CANCEL, kept_apart=True) == (
        OrderStatus.CANCELED,
        EndReason.REMAINDER_CANCELED,
        "40 of 100 not executed",
    )


def test_an_order_that_every_exchange_refused_is_rejected() -> None:
    end = end_of(refused_elsewhere(0), Step.CANCEL)
    assert (end.status, end.code) == (OrderStatus.REJECTED, EndReason.NOT_EXECUTABLE)
    assert end_of(refused_elsewhere(0), Step.CANCEL, kept_apart=True) == SELF_TRADE_PREVENTED
