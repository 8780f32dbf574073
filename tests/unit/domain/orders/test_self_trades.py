"""When an order must look at the client's other orders before it is routed."""

import pytest

from tests.fakes.builders import NOW, make_order
from trading.domain.orders.order import Order
from trading.domain.orders.self_trades import may_have_opponents

APART = make_order().in_sequence(1, None, overtakes=False, kept_apart=True)
ROUTED = make_order().routed((("XNYS", 100),), NOW)
WAITED = make_order().model_copy(update={"release_at": NOW})


@pytest.mark.parametrize("order", [APART, ROUTED, WAITED], ids=["kept apart", "routed", "waited"])
def test_an_order_that_may_meet_a_later_one_looks_at_them(order: Order) -> None:
    assert may_have_opponents(order)


def test_an_order_that_is_sent_at_once_meets_none_that_came_later() -> None:
    assert not may_have_opponents(make_order())
