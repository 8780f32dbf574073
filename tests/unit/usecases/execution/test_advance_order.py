"""Polling the exchanges moves orders on, after a crash or silence too."""

import pytest

from tests.fakes.faults import CrashError
from tests.fakes.world import World
from tests.unit.usecases.execution.reported import canceled, trade
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.messages import ExecuteOrder, PollOrder


def message(order: Order) -> ExecuteOrder:
    return ExecuteOrder(client_id="alice", correlation_id="c", order_id=order.order_id)


def test_an_order_is_sent_again_after_the_worker_died_before_the_submit(world: World) -> None:
    order = world.order()
    world.faults.before("exchanges.submit")
    with pytest.raises(CrashError):
        world.execute(message(order))
    assert world.exchanges.arrived == []
    world.execute(message(order), redelivered=True)
    assert world.exchanges.arrived == [f"{order.order_id}-1"]


def test_an_expired_order_is_not_sent(world: World) -> None:
    order = world.order()
    world.advance(days=1)
    world.execute(message(order))
    assert world.exchanges.arrived == []
    assert world.current(order).status is OrderStatus.EXPIRED


def test_a_poll_books_executions_that_were_never_reported(world: World) -> None:
    order = world.placed()
    reports = [trade(world, order, 30), trade(world, order, 20), canceled(world, order)]
    world.execute(PollOrder(client_id="alice", correlation_id="c", order_id=order.order_id))
    world.run()
    ended = world.current(order)
    assert (ended.status, ended.filled_quantity) == (OrderStatus.CANCELED, 50)
    for report in reports:
        world.report(report)
    assert world.current(order) == ended
    assert world.findings() == []


def test_an_exchange_that_does_not_answer_a_poll_is_polled_again_after_five_minutes(
    world: World,
) -> None:
    order = world.placed()
    world.exchanges.down = {child.exchange_id for child in order.children}
    world.advance(minutes=2)
    world.sweep()
    world.run()
    asked = world.faults.calls.count("exchanges.status")
    world.exchanges.down = set()
    world.exchanges.states.clear()
    world.exchanges.orders.clear()
    for minutes, times in ((4, asked), (2, asked + 1)):
        world.advance(minutes=minutes)
        world.sweep()
        world.run()
        assert world.faults.calls.count("exchanges.status") == times
    assert world.exchanges.arrived == [f"{order.order_id}-1"] * 2


def test_a_poll_sends_a_child_again_that_never_arrived(world: World) -> None:
    order = world.placed()
    world.exchanges.states.clear()
    world.exchanges.orders.clear()
    world.execute(PollOrder(client_id="alice", correlation_id="c", order_id=order.order_id))
    assert world.exchanges.arrived == [f"{order.order_id}-1"] * 2


def test_a_poll_books_from_other_exchanges_when_one_is_silent(world: World) -> None:
    order = world.placed(quantity=700)
    trade(world, order, 500, child=1)
    trade(world, order, 200, child=2)
    world.exchanges.down = {"ARCX"}
    world.execute(PollOrder(client_id="alice", correlation_id="c", order_id=order.order_id))
    assert world.current(order).filled_quantity == 200
    world.exchanges.down = set()
    world.execute(PollOrder(client_id="alice", correlation_id="c", order_id=order.order_id))
    assert world.current(order).filled_quantity == 700
    assert len(world.exchanges.arrived) == 2
