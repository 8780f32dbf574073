"""Messages that arrive twice, lose a race or name an unknown order."""

from typing import Any

import pytest

from tests.fakes.world import World
from trading.domain.orders.order import Order
from trading.messages import ClearOrder, ExecuteOrder
from trading.usecases.ports import NotAcceptedError, NotFoundError, StaleError


def message(order: Order) -> ExecuteOrder:
    return ExecuteOrder(client_id="alice", correlation_id="c", order_id=order.order_id)


@pytest.mark.parametrize("kind", [ExecuteOrder, ClearOrder])
def test_a_message_with_a_field_of_another_release_is_read(
    kind: type[ExecuteOrder | ClearOrder],
) -> None:
    """The release before Express runs sent task tokens, and a later one may send anything."""
    sent = kind(client_id="alice", correlation_id="c", order_id="ord_1").model_dump()
    assert kind.model_validate(sent | {"task_token": "a token"}).model_dump() == sent


def test_a_redelivered_message_sends_no_order_twice(world: World) -> None:
    order = world.placed()
    for _ in range(3):
        world.execute(message(order))
    assert world.exchanges.arrived == [f"{order.order_id}-1"]
    assert world.current(order).children == order.children
    world.fill(order, 100)
    world.execute(message(order))
    assert world.exchanges.arrived == [f"{order.order_id}-1"]


def test_a_race_lost_while_booking_is_tried_again_without_sending_twice(world: World) -> None:
    order = world.placed()
    world.faults.stale(times=3)
    world.fill(order, 100)
    assert world.failures == []
    assert world.current(order).filled_quantity == 100
    assert world.exchanges.arrived == [f"{order.order_id}-1"]


def test_a_message_for_an_unknown_order_cannot_succeed(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.execute(ExecuteOrder(client_id="alice", correlation_id="c", order_id="ord_unknown"))


def test_a_second_message_for_an_order_that_is_at_an_exchange_changes_nothing(
    world: World,
) -> None:
    order = world.placed()
    world.exchanges.down.add(order.children[0].exchange_id)
    world.execute(message(order))
    assert world.current(order) == order


def test_after_a_lost_race_the_parts_that_were_not_sent_are_sent(world: World) -> None:
    """The children are saved together, and the race is lost after the first of them."""
    order = world.order(quantity=700)
    world.faults.before("exchanges.submit", NotAcceptedError("no"))
    commit, refused = world.books.commit, []

    def lose_the_race_once(*changes: Any) -> None:
        if world.faults.calls.count("exchanges.submit") and not refused:
            refused.append(changes)
            raise StaleError
        commit(*changes)

    world.books.commit = lose_the_race_once  # type: ignore[method-assign,assignment]
    world.run()
    assert (refused != [], world.failures) == (True, [])
    live = world.current(order).live_children
    assert sum(child.quantity for child in live) == 700
    assert all(f"{order.order_id}-{child.number}" in world.exchanges.states for child in live)
