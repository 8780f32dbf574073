"""Orders end by a cancel or by expiry. Fills that happened before that stand."""

import pytest

from tests.fakes.builders import D
from tests.fakes.world import World
from trading.domain.orders import order_end
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Side
from trading.messages import CancelOrder, PollOrder
from trading.usecases.ports import OutcomeUnknownError
from trading.wire import ExecType


def poll(world: World, order: Order) -> None:
    world.mailboxes.put(
        "execution", PollOrder(client_id="alice", correlation_id="c", order_id=order.order_id)
    )
    world.run()


def test_a_cancel_removes_the_order_from_the_exchange_and_releases_its_hold(world: World) -> None:
    order = world.placed(quantity=700)
    world.cancel(order)
    ended = world.current(order)
    assert (ended.status, ended.history[-1].reason) == (OrderStatus.CANCELED, "asked")
    assert {state.status for state in world.exchanges.states.values()} == {"CANCELED"}
    assert world.books.account("alice").available == D("100000.00")
    assert world.workflow.started_at_clearing == []
    assert world.findings(expect_final=True) == []


def test_expiry_works_like_a_cancel_and_ends_in_expired(world: World) -> None:
    order = world.placed(side=Side.SELL)
    world.cancel(order, outcome="EXPIRED", reason="the day is over")
    assert world.current(order).status is OrderStatus.EXPIRED
    assert world.books.position("alice", "AAPL").available == 1000


def test_an_order_that_was_never_routed_can_be_canceled(world: World) -> None:
    order = world.order()
    world.execute(
        CancelOrder(client_id="alice", correlation_id="c", order_id=order.order_id, reason="asked")
    )
    assert world.current(order).status is OrderStatus.CANCELED
    world.run()
    assert world.exchanges.arrived == []
    assert world.current(order).status is OrderStatus.CANCELED


@pytest.mark.parametrize("is_sent", [False, True])
def test_a_run_that_could_not_send_an_order_takes_it_back_unless_it_was_sent_meanwhile(
    world: World, is_sent: bool
) -> None:
    order = world.placed() if is_sent else world.order()
    before = world.current(order)
    ids = {"client_id": "alice", "correlation_id": "c", "order_id": order.order_id}
    world.execute(
        CancelOrder.model_validate(ids | {"reason": "EXECUTION_FAILED", "unless_sent": True})
    )
    if is_sent:
        assert world.current(order) == before
    else:
        assert world.current(order).status is OrderStatus.CANCELED


def test_fills_before_the_cancel_are_booked_first(world: World) -> None:
    order = world.placed()
    world.exchanges.fill(f"{order.order_id}-1", 30, "100.00")
    world.cancel(order)
    ended = world.current(order)
    assert (ended.status, ended.filled_quantity) == (OrderStatus.CANCELED, 30)
    assert ended.cleared_at is not None
    assert world.findings() == []


def test_an_order_filled_before_its_cancel_is_filled(world: World) -> None:
    order = world.placed()
    world.exchanges.fill(f"{order.order_id}-1", 100, "100.00")
    world.cancel(order)
    assert world.current(order).status is OrderStatus.CLEARED


def test_a_canceled_order_is_not_routed_to_another_exchange(world: World) -> None:
    order = world.placed()
    world.exchanges.end(f"{order.order_id}-1", ExecType.REJECTED)
    world.cancel(order)
    assert world.current(order).status is OrderStatus.CANCELED
    assert len(world.exchanges.arrived) == 1


def test_an_order_stays_open_until_its_exchange_answers_the_cancel(
    world: World,
) -> None:
    order = world.placed(quantity=700)
    world.exchanges.down = {"ARCX"}
    world.cancel(order)
    assert world.current(order).is_open
    assert world.books.account("alice").held > 0, "the exchange may still execute the order"
    world.exchanges.down = set()
    poll(world, order)
    ended = world.current(order)
    assert (ended.status, ended.history[-1].reason) == (OrderStatus.CANCELED, "asked")
    assert world.findings(expect_final=True) == []


def test_a_silent_exchange_does_not_keep_another_one_from_being_asked(world: World) -> None:
    order = world.placed(quantity=700)
    silent, other = order.children
    world.exchanges.down = {silent.exchange_id}
    world.cancel(order)
    assert world.exchanges.states[f"{order.order_id}-{other.number}"].status == "CANCELED"
    (live,) = world.current(order).live_children
    assert live.number == silent.number


def test_a_fill_is_booked_while_the_order_waits_for_its_cancel(world: World) -> None:
    order = world.placed()
    world.faults.before("exchanges.cancel", OutcomeUnknownError("timed out"))
    world.cancel(order)
    world.fill(order, 60)
    assert world.current(order).filled_quantity == 60
    poll(world, order)
    assert (world.current(order).status, world.current(order).filled_quantity) == (
        OrderStatus.CANCELED,
        60,
    )
    assert world.findings() == []


def test_a_second_cancel_changes_nothing(world: World) -> None:
    order = world.placed()
    world.cancel(order)
    ended = world.current(order)
    world.cancel(order, outcome="EXPIRED")
    assert world.current(order) == ended


@pytest.mark.parametrize("call", ["exchanges.cancel", "books.commit"])
@pytest.mark.parametrize("after", [False, True])
def test_redelivery_finishes_a_cancel_whose_worker_died(
    world: World, call: str, after: bool
) -> None:
    order = world.placed()
    (world.faults.after if after else world.faults.before)(call)
    world.cancel(order)
    assert len(world.failures) == 1
    assert world.current(order).status is OrderStatus.CANCELED
    assert world.findings(expect_final=True) == []


def test_an_order_with_very_many_fills_can_be_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_end, "MAX_TRADES", 3)
    order = world.placed()
    for _ in range(3):
        world.fill(order, 1)
    ended = world.current(order)
    assert (ended.status, ended.filled_quantity) == (OrderStatus.CANCELED, 3)
    assert world.exchanges.states[f"{order.order_id}-1"].status == "CANCELED"
    assert world.findings() == []
