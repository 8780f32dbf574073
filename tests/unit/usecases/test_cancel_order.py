"""A client takes orders back: what is asked, what it is told, and who wins against the exchange."""

import pytest

from tests.fakes.builders import D
from tests.fakes.faults import CrashError
from tests.fakes.world import World
from trading.domain.orders import Order, OrderStatus
from trading.domain.values import Side
from trading.messages import CancelOrder
from trading.usecases import cancel_order
from trading.usecases.cancel_order import OrderClosedError
from trading.usecases.ports import NotFoundError, OutcomeUnknownError


def cancel(world: World, order: Order, client_id: str = "alice") -> tuple[OrderStatus, bool]:
    shown, is_under_way = world.request_cancel(client_id, order.order_id)
    return shown.status, is_under_way


def test_a_cancel_is_a_request_and_what_was_held_comes_back_with_the_end(world: World) -> None:
    order = world.placed()
    assert cancel(world, order) == (OrderStatus.ROUTING, True)
    assert world.current(order).is_open
    assert world.books.account("alice").held > 0
    world.run()
    ended = world.current(order)
    assert (ended.status, ended.reason_code, ended.history[-1].reason) == (
        OrderStatus.CANCELED,
        "CANCELED",
        "canceled by the client",
    )
    account = world.books.account("alice")
    assert (account.available, account.held, account.open_orders) == (D("100000.00"), 0, ())
    assert world.findings(expect_final=True) == []


def test_shares_held_for_a_sale_come_back(world: World) -> None:
    order = world.placed(side=Side.SELL)
    cancel(world, order)
    world.run()
    assert world.books.position("alice", "AAPL").available == 1000


def test_asked_again_it_says_the_same(world: World) -> None:
    order = world.placed()
    assert cancel(world, order) == cancel(world, order) == (OrderStatus.ROUTING, True)
    world.run()
    assert cancel(world, order) == (OrderStatus.CANCELED, False)
    assert world.mailboxes.waiting("execution") == []
    assert world.findings(expect_final=True) == []


def test_before_it_was_routed_it_never_reaches_an_exchange(world: World) -> None:
    order = world.order()
    message = world.mailboxes.queues["execution", "alice"].popleft()
    assert cancel(world, order) == (OrderStatus.VALIDATED, True)
    world.run()
    world.mailboxes.put("execution", message)
    world.run()
    assert world.current(order).status is OrderStatus.CANCELED
    assert world.exchanges.arrived == []


@pytest.mark.parametrize(("executed", "status"), [(0, "CANCELED"), (30, "CANCELED"), (100, "CLEARED")])
def test_each_share_is_either_filled_or_canceled(world: World, executed: int, status: str) -> None:
    order = world.placed()
    cancel(world, order)
    report = world.exchanges.fill(f"{order.order_id}-1", executed, "100.00") if executed else None
    world.run()
    if report:
        world.report(report)
    ended = world.current(order)
    assert (ended.status, ended.filled_quantity) == (status, executed)
    assert world.books.account("alice").held == 0
    assert world.findings() == []


def test_with_a_silent_exchange_the_order_stays_open_until_it_answers(world: World) -> None:
    order = world.placed()
    world.faults.before("exchanges.cancel", OutcomeUnknownError("timed out"))
    cancel(world, order)
    world.run()
    assert world.current(order).is_open
    assert world.books.account("alice").held > 0
    assert cancel(world, order) == (OrderStatus.ROUTING, True)
    world.run()
    assert world.current(order).status is OrderStatus.CANCELED
    assert world.findings(expect_final=True) == []


def test_an_order_that_is_over_cannot_be_canceled(world: World) -> None:
    filled, rejected, expired = world.placed("a"), world.order("b", quantity=100_000), world.placed("c")
    world.fill(filled, 100)
    world.cancel(expired, outcome=OrderStatus.EXPIRED)
    elsewise = world.placed("d", side=Side.SELL)
    world.cancel(elsewise, reason="the operator's wish")
    for order, status in ((filled, "CLEARED"), (rejected, "REJECTED"), (expired, "EXPIRED"), (elsewise, "CANCELED")):
        with pytest.raises(OrderClosedError) as closed:
            world.request_cancel("alice", order.order_id)
        assert closed.value.details == {"status": status}
    assert world.mailboxes.waiting("execution") == []


def test_what_is_unknown_or_somebody_elses_is_not_there(world: World) -> None:
    order = world.placed()
    for client_id, order_id in (("bob", order.order_id), ("alice", "ord_unknown")):
        with pytest.raises(NotFoundError):
            world.request_cancel(client_id, order_id)
    assert world.mailboxes.waiting("execution") == []


def test_all_open_orders_are_canceled_and_nothing_else(world: World) -> None:
    world.add_client("bob", cash="100000.00")
    bobs = world.placed("bobs", client_id="bob")
    filled = world.placed("filled")
    world.fill(filled, 100)
    resting, sale = world.placed("resting"), world.placed("sale", side=Side.SELL, limit_price=D("100.01"))
    asked, more = world.request_cancel.all("alice")
    assert ([order.order_id for order in asked], more) == ([resting.order_id, sale.order_id], False)
    world.run()
    assert {world.current(order).status for order in (resting, sale)} == {OrderStatus.CANCELED}
    assert world.current(bobs).is_open
    assert world.current(filled).status is OrderStatus.CLEARED
    assert world.request_cancel.all("alice") == ([], False)


def test_all_are_canceled_in_portions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancel_order, "ORDERS_A_REQUEST", 2)
    orders = [world.placed(f"key-{number}", quantity=10) for number in range(3)]
    asked, more = world.request_cancel.all("alice")
    assert ([order.order_id for order in asked], more) == ([order.order_id for order in orders[:2]], True)
    world.run()
    asked, more = world.request_cancel.all("alice")
    assert ([order.order_id for order in asked], more) == ([orders[2].order_id], False)


def test_an_order_that_is_ending_is_not_asked_for_again_with_all(world: World) -> None:
    order = world.placed()
    world.faults.before("exchanges.cancel", OutcomeUnknownError("timed out"))
    world.cancel(order)
    assert world.current(order).ending is not None
    assert world.request_cancel.all("alice") == ([], False)


def test_what_was_not_made_durable_was_not_accepted(world: World) -> None:
    order = world.placed()
    world.faults.before("mailboxes.execution")
    with pytest.raises(CrashError):
        world.request_cancel("alice", order.order_id)
    messages = [message for message in world.mailboxes.waiting("execution") if isinstance(message, CancelOrder)]
    assert messages == []
