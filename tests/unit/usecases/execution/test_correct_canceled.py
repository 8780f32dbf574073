"""What a client who cancels an order is told when its executions are corrected or busted."""

import pytest

from tests.fakes.builders import D
from tests.fakes.world import World
from tests.unit.usecases.execution.correcting import breaks, bust, child, correct
from trading.adapters.faces.orders import order_summary
from trading.domain.ledger import BreakCode
from trading.domain.orders.conflicts import OrderClosedError
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import EndReason


def shown_reason(world: World, order: Order) -> tuple[str, str]:
    reason = order_summary(world.current(order)).reason
    assert reason is not None
    return reason.code, reason.message


def assert_closed(world: World, order: Order) -> None:
    with pytest.raises(OrderClosedError) as closed:
        world.request_cancel("alice", order.order_id)
    assert closed.value.details == {"status": "CANCELED"}


def test_a_correction_does_not_change_why_an_order_was_canceled(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 40)
    world.request_cancel("alice", order.order_id)
    world.run()
    correct(world, order, 30, "99.00")
    assert world.current(order).history[-1].reason != "canceled by the client"
    assert shown_reason(world, order) == ("CANCELED", "canceled by the client")
    assert world.request_cancel("alice", order.order_id) == world.current(order)


def test_a_bust_of_an_order_that_was_filled_first_is_not_its_clients_cancel(world: World) -> None:
    order = world.placed(quantity=100)
    world.request_cancel("alice", order.order_id)
    world.fill(order, 100)
    assert world.current(order).status is OrderStatus.CLEARED
    bust(world, order)
    code, message = shown_reason(world, order)
    assert (code, message.endswith(" busted")) == (EndReason.EXECUTION_BUSTED, True)
    assert_closed(world, order)


def test_an_order_of_which_a_bust_left_nothing_is_not_its_clients_cancel(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 40)
    world.report(world.exchanges.bust(child(order), f"{child(order)}-1"))
    world.request_cancel("alice", order.order_id)
    world.fill(order, 60)
    reason = (EndReason.EXECUTION_BUSTED, "40 of 100 busted by the exchange")
    assert shown_reason(world, order) == reason
    assert_closed(world, order)


def test_a_correction_of_a_replaced_order_takes_no_share_of_its_replacement(world: World) -> None:
    old = world.placed(quantity=100)
    world.fill(old, 40)
    new = world.replace(old, limit_price=D("99.95"))
    world.run()
    assert world.current(new).quantity == 60
    correct(world, old, 70, "99.90")
    assert breaks(world) == [BreakCode.OVERFILL]
    world.fill(new, 60, "99.95")
    assert world.current(old).filled_quantity + world.current(new).filled_quantity == 100
