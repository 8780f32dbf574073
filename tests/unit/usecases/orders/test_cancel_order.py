"""A client cancels orders: the request, its answer, and the race against the exchange."""

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.builders import D
from tests.fakes.faults import CrashError
from tests.fakes.world import World
from trading.adapters.faces.orders import order_summary
from trading.domain.orders.cancellation import BY_CLIENT, BY_SUSPENSION
from trading.domain.orders.conflicts import OrderClosedError, OrderEndingError
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Side, TimeInForce
from trading.messages import CancelOrder
from trading.usecases.orders import cancel_order
from trading.usecases.orders.list_orders import OrderFilter
from trading.usecases.ports import NotFoundError, OutcomeUnknownError, StaleError


def cancel(world: World, order: Order) -> tuple[OrderStatus, bool]:
    shown = world.request_cancel("alice", order.order_id)
    assert shown == world.current(order)
    return shown.status, is_shown_as_requested(shown)


def is_shown_as_requested(order: Order) -> bool:
    return order_summary(order).cancel_requested


def test_a_cancel_is_a_request_and_the_hold_is_released_when_the_order_ends(world: World) -> None:
    order = world.placed()
    assert cancel(world, order) == (OrderStatus.ROUTING, True)
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


def test_the_cancel_of_a_sale_releases_its_shares(world: World) -> None:
    order = world.placed(side=Side.SELL)
    cancel(world, order)
    world.run()
    assert world.books.position("alice", "AAPL").available == 1000


def test_a_repeated_cancel_gets_the_same_answer(world: World) -> None:
    order = world.placed()
    assert cancel(world, order) == cancel(world, order) == (OrderStatus.ROUTING, True)
    world.run()
    assert cancel(world, order) == (OrderStatus.CANCELED, False)
    assert world.mailboxes.waiting("execution") == []
    assert world.findings(expect_final=True) == []


def test_an_order_canceled_before_routing_never_reaches_an_exchange(world: World) -> None:
    order = world.order()
    message = world.mailboxes.queues["execution", "alice"].popleft()
    assert cancel(world, order) == (OrderStatus.VALIDATED, True)
    world.run()
    world.mailboxes.put("execution", message)
    world.run()
    assert world.current(order).status is OrderStatus.CANCELED
    assert world.exchanges.arrived == []


@pytest.mark.parametrize(
    ("executed", "status"), [(0, "CANCELED"), (30, "CANCELED"), (100, "CLEARED")]
)
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


def test_an_order_stays_open_until_its_silent_exchange_answers(world: World) -> None:
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


def test_a_closed_order_cannot_be_canceled(world: World) -> None:
    filled, rejected, expired = (
        world.placed("a"),
        world.order("b", quantity=100_000),
        world.placed("c"),
    )
    world.fill(filled, 100)
    world.cancel(expired, outcome=OrderStatus.EXPIRED)
    elsewise = world.placed("d", side=Side.SELL)
    world.cancel(elsewise, reason="the operator's wish")
    for order, status in (
        (filled, "CLEARED"),
        (rejected, "REJECTED"),
        (expired, "EXPIRED"),
        (elsewise, "CANCELED"),
    ):
        with pytest.raises(OrderClosedError) as closed:
            world.request_cancel("alice", order.order_id)
        assert closed.value.details == {"status": status}
    assert world.mailboxes.waiting("execution") == []


def test_an_unknown_order_or_another_clients_order_is_not_found(world: World) -> None:
    order = world.placed()
    for client_id, order_id in (("bob", order.order_id), ("alice", "ord_unknown")):
        with pytest.raises(NotFoundError):
            world.request_cancel(client_id, order_id)
    assert world.mailboxes.waiting("execution") == []


def test_a_cancel_of_all_orders_cancels_open_orders_only(world: World) -> None:
    world.add_client("bob", cash="100000.00")
    bobs = world.placed("bobs", client_id="bob")
    filled = world.placed("filled")
    world.fill(filled, 100)
    resting, sale = (
        world.placed("resting"),
        world.placed("sale", side=Side.SELL, limit_price=D("100.01")),
    )
    asked, more = world.request_cancel.all("alice")
    assert ([order.order_id for order in asked], more) == ([resting.order_id, sale.order_id], False)
    world.run()
    assert {world.current(order).status for order in (resting, sale)} == {OrderStatus.CANCELED}
    assert world.current(bobs).is_open
    assert world.current(filled).status is OrderStatus.CLEARED
    assert world.request_cancel.all("alice") == ([], False)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (OrderFilter(symbol="AAPL"), ["buy", "sale"]),
        (OrderFilter(symbol="MSFT"), []),
        (OrderFilter(side=Side.SELL), ["sale"]),
        (OrderFilter(symbol="AAPL", side=Side.BUY), ["buy"]),
        (OrderFilter(symbol="MSFT", side=Side.BUY), []),
    ],
)
def test_a_cancel_of_matching_orders_leaves_the_others(
    world: World, wanted: OrderFilter, expected: list[str]
) -> None:
    orders = {
        "buy": world.placed("buy", quantity=10),
        "sale": world.placed("sale", quantity=10, side=Side.SELL, limit_price=D("100.01")),
    }
    asked, more = world.request_cancel.all("alice", wanted)
    assert ([order.order_id for order in asked], more) == (
        [orders[name].order_id for name in expected],
        False,
    )
    for name, order in orders.items():
        assert (world.current(order).ending is not None) == (name in expected)


def test_orders_that_do_not_match_are_no_more_orders(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancel_order, "ORDERS_A_REQUEST", 1)
    world.placed("buy", quantity=10)
    world.placed("sale", quantity=10, side=Side.SELL, limit_price=D("100.01"))
    asked, more = world.request_cancel.all("alice", OrderFilter(side=Side.SELL))
    assert (len(asked), more) == (1, False)


def test_a_cancel_of_all_orders_works_in_portions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancel_order, "ORDERS_A_REQUEST", 2)
    orders = [world.placed(f"key-{number}", quantity=10) for number in range(3)]
    asked, more = world.request_cancel.all("alice")
    assert ([order.order_id for order in asked], more) == (
        [order.order_id for order in orders[:2]],
        True,
    )
    world.run()
    asked, more = world.request_cancel.all("alice")
    assert ([order.order_id for order in asked], more) == ([orders[2].order_id], False)


def test_a_cancel_of_all_orders_stops_when_its_time_is_up(world: World) -> None:
    orders = [world.placed(f"key-{number}", quantity=10) for number in range(3)]
    commit = world.books.commit

    def slow(*changes: Any) -> None:
        world.advance(seconds=3)
        commit(*changes)

    world.books.commit = slow  # type: ignore[method-assign]
    asked, more = world.request_cancel.all("alice")
    world.books.commit = commit  # type: ignore[method-assign]
    assert ([order.order_id for order in asked], more) == (
        [order.order_id for order in orders[:2]],
        True,
    )
    assert world.mailboxes.waiting("execution") == []
    world.sweep()
    world.run()
    assert world.statuses(*orders) == (
        OrderStatus.CANCELED,
        OrderStatus.CANCELED,
        OrderStatus.ROUTING,
    )


def test_a_cancel_of_all_orders_that_crashed_is_continued_by_the_next(world: World) -> None:
    orders = [world.placed(f"key-{number}", quantity=10) for number in range(3)]
    world.faults.before("books.commit", CrashError("died"))
    world.faults.after("books.commit", CrashError("died"))
    for done in (0, 1):
        with pytest.raises(CrashError):
            world.request_cancel.all("alice")
        assert [is_shown_as_requested(world.current(order)) for order in orders].count(True) == done
    asked, more = world.request_cancel.all("alice")
    assert ([order.order_id for order in asked], more) == (
        [order.order_id for order in orders[1:]],
        False,
    )
    world.sweep()
    world.run()
    assert {world.current(order).status for order in orders} == {OrderStatus.CANCELED}
    assert world.findings(expect_final=True) == []


def test_after_a_refused_message_a_cancel_of_all_leaves_the_rest_to_the_sweeper(
    world: World,
) -> None:
    orders = [world.placed(f"key-{number}", quantity=10) for number in range(3)]
    world.faults.before("mailboxes.execution")
    asked, more = world.request_cancel.all("alice")
    assert (len(asked), more, world.mailboxes.waiting("execution")) == (3, False, [])
    assert world.monitor.times("CancelsDeferred") == 1
    world.sweep()
    world.run()
    assert {world.current(order).status for order in orders} == {OrderStatus.CANCELED}


def test_a_cancel_of_all_orders_skips_orders_that_are_already_ending(world: World) -> None:
    order = world.placed()
    cancel(world, order)
    assert world.request_cancel.all("alice") == ([], False)


@pytest.mark.parametrize("routed", [True, False])
@pytest.mark.parametrize("fails", ["lost", "sender died"])
def test_the_sweeper_finishes_a_cancel_whose_messages_are_all_lost(
    world: World, routed: bool, fails: str
) -> None:
    order = world.placed() if routed else world.order()
    if fails == "lost":
        world.faults.before("mailboxes.execution")
        assert cancel(world, order)[1] is True
        assert world.monitor.times("CancelsDeferred") == 1
    else:
        world.faults.after("books.commit", CrashError("died"))
        with pytest.raises(CrashError):
            world.request_cancel("alice", order.order_id)
    world.mailboxes.queues.clear()
    assert is_shown_as_requested(world.current(order))
    world.sweep()
    world.run()
    assert world.current(order).status is OrderStatus.CANCELED
    assert world.findings(expect_final=True) == []


def test_an_order_that_waits_for_its_market_is_canceled_like_any_other(world: World) -> None:
    world.advance(hours=-2)
    order = world.order(time_in_force=TimeInForce.GTC)
    assert order.release_at is not None
    world.faults.before("mailboxes.execution")
    assert cancel(world, order) == (OrderStatus.VALIDATED, True)
    world.sweep()
    world.run()
    assert world.current(order).status is OrderStatus.CANCELED
    assert world.exchanges.arrived == []
    assert world.findings(expect_final=True) == []


def test_an_order_with_an_accepted_cancel_cannot_be_replaced(world: World) -> None:
    order = world.placed()
    cancel(world, order)
    with pytest.raises(OrderEndingError):
        world.replace(order, quantity=50)


@pytest.mark.parametrize("executed", [30, 100])
def test_a_fill_that_overtakes_the_cancel_request_is_seen(world: World, executed: int) -> None:
    order = world.placed()
    commit = world.books.commit

    def after_a_fill(*changes: Any) -> None:
        world.books.commit = commit  # type: ignore[method-assign]
        world.fill(order, executed)
        commit(*changes)

    world.books.commit = after_a_fill  # type: ignore[method-assign]
    if executed == 100:
        with pytest.raises(OrderClosedError):
            world.request_cancel("alice", order.order_id)
        assert world.current(order).ending is None
    else:
        assert cancel(world, order) == (OrderStatus.PARTIALLY_FILLED, True)
        world.run()
        assert (world.current(order).status, world.current(order).filled_quantity) == (
            OrderStatus.CANCELED,
            30,
        )


def test_two_simultaneous_cancels_are_written_once(world: World) -> None:
    order = world.placed()
    commit = world.books.commit

    def after_the_other(*changes: Any) -> None:
        world.books.commit = commit  # type: ignore[method-assign]
        cancel(world, order)
        commit(*changes)

    world.books.commit = after_the_other  # type: ignore[method-assign]
    assert cancel(world, order) == (OrderStatus.ROUTING, True)
    assert world.current(order).version == order.version + 1


def test_a_cancel_that_loses_too_many_races_is_not_accepted(world: World) -> None:
    order = world.placed()
    world.faults.stale(8)
    with pytest.raises(StaleError):
        world.request_cancel("alice", order.order_id)
    assert world.current(order) == order
    assert world.mailboxes.waiting("execution") == []


def test_the_first_requested_ending_stands(world: World) -> None:
    orders = [world.placed(f"key-{number}", quantity=10) for number in range(2)]
    cancel(world, orders[0])
    for _ in range(2):
        assert world.request_cancel.of_suspended("alice") == 2
    assert [world.current(order).ending for order in orders] == [BY_CLIENT, BY_SUSPENSION]
    assert all(is_shown_as_requested(world.current(order)) for order in orders)
    cancel(world, orders[1])
    world.run()
    assert [cancel(world, order) for order in orders] == [(OrderStatus.CANCELED, False)] * 2


def test_an_order_canceled_by_suspension_is_closed_for_its_client(world: World) -> None:
    order = world.placed()
    world.request_cancel.of_suspended("alice")
    world.run()
    with pytest.raises(OrderClosedError):
        world.request_cancel("alice", order.order_id)


def test_a_client_can_cancel_an_expiring_order_whose_exchange_is_silent(world: World) -> None:
    order = world.placed()
    world.faults.before("exchanges.cancel", OutcomeUnknownError("timed out"))
    world.cancel(order, outcome=OrderStatus.EXPIRED, reason="its time was over")
    assert not is_shown_as_requested(world.current(order))
    assert cancel(world, order) == (OrderStatus.ROUTING, True)
    world.run()
    assert cancel(world, order) == (OrderStatus.CANCELED, False)


def test_a_cancel_makes_its_order_due_at_once(world: World) -> None:
    order = world.placed()
    world.advance(minutes=1)
    cancel(world, order)
    (message,) = world.mailboxes.waiting("execution")
    assert isinstance(message, CancelOrder)
    assert world.current(order).attention_at == world.now
    assert world.books.orders_due(world.now - timedelta(seconds=1), 10) == []
