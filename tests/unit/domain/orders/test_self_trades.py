"""When an order must look at the client's other orders before it is routed."""

import pytest

from tests.fakes.builders import NOW, make_order, routed_order
from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.order import Order
from trading.domain.orders.self_trades import may_have_opponents, occupied_exchanges

APART = make_order().in_sequence(1, None, overtakes=False, kept_apart=True)
ROUTED = make_order().routed((("XNYS", 100),), NOW)
WAITED = make_order().model_copy(update={"release_at": NOW})


@pytest.mark.parametrize("order", [APART, ROUTED, WAITED], ids=["kept apart", "routed", "waited"])
def test_an_order_that_may_meet_a_later_one_looks_at_them(order: Order) -> None:
    assert may_have_opponents(order)


def test_an_order_that_is_sent_at_once_meets_none_that_came_later() -> None:
    assert not may_have_opponents(make_order())


def test_an_exchange_may_still_execute_a_child_whose_execution_our_books_refused() -> None:
    """By our books that child is over. Its exchange may not have answered the recall yet."""
    sent = routed_order(("XNYS", 60), ("XNAS", 40))
    refused = sent.execution_refused(f"{sent.order_id}-1", 60)
    assert [child.exchange_id for child in refused.live_children] == ["XNAS"]
    assert occupied_exchanges([refused]) == {"XNYS", "XNAS"}


def test_an_exchange_that_ended_its_child_is_not_occupied() -> None:
    sent = routed_order(("XNYS", 60), ("XNAS", 40))
    ended = sent.child_ended(f"{sent.order_id}-1", ChildStatus.CANCELED, 0, "asked")
    assert occupied_exchanges([ended]) == {"XNAS"}
