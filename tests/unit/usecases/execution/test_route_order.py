"""Orders are split over exchanges, submitted, fenced by a cancel, and sent elsewhere."""

import pytest

from tests.fakes.builders import D
from tests.fakes.faults import CrashError
from tests.fakes.world import EXCHANGES, World, quote
from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import OrderType, Side, TimeInForce
from trading.messages import ExecuteOrder, PollOrder
from trading.usecases.ports import NotAcceptedError, OutcomeUnknownError
from trading.wire import ExecType


def message(order: Order) -> ExecuteOrder:
    return ExecuteOrder(client_id="alice", correlation_id="c", order_id=order.order_id)


def poll(world: World, order: Order) -> None:
    world.execute(PollOrder(client_id=order.client_id, correlation_id="c", order_id=order.order_id))


def children(order: Order) -> list[tuple[str, int, ChildStatus]]:
    return [(c.exchange_id, c.quantity, c.status) for c in order.children]


def test_a_submission_has_the_terms_of_the_order(world: World) -> None:
    order = world.placed()
    assert order.status is OrderStatus.ROUTING
    exchange_id, sent = world.exchanges.orders[f"{order.order_id}-1"]
    assert (exchange_id, sent.quantity, sent.limit_price, sent.time_in_force) == (
        "ARCX",
        100,
        D("100.00"),
        TimeInForce.DAY,
    )
    assert (sent.account, sent.correlation_id, sent.callback_url) == (
        "alice",
        "correlation-key-1",
        "https://callback",
    )


def test_a_market_order_is_sent_as_an_immediate_limit_order_at_its_collar(world: World) -> None:
    order = world.placed(order_type=OrderType.MARKET)
    _, sent = world.exchanges.orders[f"{order.order_id}-1"]
    assert (sent.limit_price, sent.time_in_force) == (D("104.00"), TimeInForce.IOC)


def test_a_large_order_is_split_over_the_exchanges(world: World) -> None:
    order = world.placed(quantity=700, limit_price=D("100.00"))
    assert children(order) == [("ARCX", 500, ChildStatus.SENT), ("XNAS", 200, ChildStatus.SENT)]


def test_a_fok_goes_whole_to_one_exchange(world: World) -> None:
    world.show("AAPL", quote("ARCX", size=100), quote("XNAS", ask="100.01", size=900))
    order = world.placed(quantity=600, limit_price=D("100.05"), time_in_force=TimeInForce.FOK)
    assert children(order) == [("XNAS", 600, ChildStatus.SENT)]


def test_exchanges_with_an_open_circuit_are_skipped_and_poor_ones_come_last(
    world: World,
) -> None:
    world.health.open_circuits = {"ARCX"}
    world.health.quality = {"XNAS": D("0.1")}
    assert children(world.placed()) == [("XNYS", 100, ChildStatus.SENT)]


def test_an_order_whose_submit_is_refused_goes_to_another_exchange(world: World) -> None:
    world.exchanges.refusing = {"ARCX"}
    order = world.placed()
    assert children(order) == [("ARCX", 100, ChildStatus.REJECTED), ("XNAS", 100, ChildStatus.SENT)]
    assert world.health.observed == [("ARCX", 0)]


def test_an_order_rejected_by_callback_goes_to_another_exchange(world: World) -> None:
    order = world.placed()
    world.report(world.exchanges.end(f"{order.order_id}-1", ExecType.REJECTED))
    assert children(world.current(order)) == [
        ("ARCX", 100, ChildStatus.REJECTED),
        ("XNAS", 100, ChildStatus.SENT),
    ]


def test_a_submit_with_unknown_outcome_is_fenced_and_sent_elsewhere(world: World) -> None:
    """The exchange has the order, and only its answer was lost. The cancel removes the order before
    another exchange gets it.
    """
    world.faults.after("exchanges.submit", OutcomeUnknownError("timed out"))
    order = world.placed()
    assert children(order) == [("ARCX", 100, ChildStatus.REJECTED), ("XNAS", 100, ChildStatus.SENT)]
    assert world.exchanges.states[f"{order.order_id}-1"].status == "CANCELED"


def test_a_submit_that_never_arrived_cannot_arrive_after_the_fence(world: World) -> None:
    world.faults.before("exchanges.submit", OutcomeUnknownError("timed out"))
    order = world.placed()
    assert world.exchanges.arrived == [f"{order.order_id}-2"]
    _, second = world.exchanges.orders[f"{order.order_id}-2"]
    with pytest.raises(NotAcceptedError):
        world.exchanges.submit(
            "ARCX", second.model_copy(update={"client_order_id": f"{order.order_id}-1"})
        )


def test_fills_before_the_fence_are_booked_and_only_the_rest_goes_elsewhere(
    world: World,
) -> None:
    world.exchanges.conduct = lambda venue, name, sent: (
        venue.fill(sent.client_order_id, 30, "99.95") and None if name == "ARCX" else None
    )
    world.faults.after("exchanges.submit", OutcomeUnknownError("timed out"))
    order = world.placed()
    assert order.filled_quantity == 30
    assert children(order) == [("ARCX", 100, ChildStatus.REJECTED), ("XNAS", 70, ChildStatus.SENT)]
    world.report(world.exchanges.outbox[0])
    assert world.current(order).filled_quantity == 30
    assert world.findings() == []


def test_an_order_executed_completely_before_the_fence_is_filled(world: World) -> None:
    world.exchanges.conduct = lambda venue, _, sent: (
        venue.fill(sent.client_order_id, 100, "99.95") and None
    )
    world.faults.after("exchanges.submit", OutcomeUnknownError("timed out"))
    order = world.placed()
    assert children(order) == [("ARCX", 100, ChildStatus.FILLED)]


def test_a_child_whose_fence_is_not_answered_is_resolved_by_the_poll(
    world: World,
) -> None:
    world.faults.after("exchanges.submit", OutcomeUnknownError("timed out"))
    world.faults.before("exchanges.cancel", OutcomeUnknownError("timed out"))
    order = world.placed()
    assert children(order) == [("ARCX", 100, ChildStatus.SENT)]
    assert world.monitor.times("FencesUnknown") == 1
    world.exchanges.fill(f"{order.order_id}-1", 100, "100.00")
    poll(world, order)
    assert world.current(order).status is OrderStatus.FILLED
    assert world.exchanges.arrived == [f"{order.order_id}-1"]


def test_an_exchange_that_is_down_may_have_accepted_an_earlier_submit(world: World) -> None:
    """The first submit was accepted, then the worker died. At the second submit the exchange is
    down, which proves nothing.
    """
    order = world.order()
    world.faults.after("exchanges.submit")
    with pytest.raises(CrashError):
        world.execute(message(order))
    world.exchanges.down = {"ARCX"}
    world.execute(message(order))
    live = [c for c in world.current(order).children if c.status is ChildStatus.SENT]
    assert [(c.exchange_id, c.quantity) for c in live] == [("ARCX", 100)], (
        "the order must not be at two exchanges at once"
    )
    world.exchanges.down = set()
    world.fill(order, 100)
    assert world.current(order).filled_quantity == 100
    assert world.findings() == []


def test_a_refusal_of_the_second_submit_proves_nothing_about_the_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exchange has the order and does not know it yet when it is asked."""
    order = world.placed()
    with monkeypatch.context() as patch:
        patch.setattr(world.exchanges, "status", lambda *_: None)
        world.faults.before("exchanges.submit", NotAcceptedError("its circuit is open"))
        world.exchanges.fill(f"{order.order_id}-1", 30, "100.00")
        poll(world, order)
    assert children(world.current(order)) == [
        ("ARCX", 100, ChildStatus.REJECTED),
        ("XNAS", 70, ChildStatus.SENT),
    ]
    assert world.exchanges.states[f"{order.order_id}-1"].status == "CANCELED"
    assert world.current(order).filled_quantity == 30
    assert world.findings() == []


def test_an_order_that_every_exchange_refuses_is_rejected_and_its_hold_released(
    world: World,
) -> None:
    world.exchanges.refusing = set(EXCHANGES)
    order = world.placed()
    assert (order.status, order.reason_code) == (OrderStatus.REJECTED, "NOT_EXECUTABLE")
    assert world.books.account("alice").available == D("100000.00")
    assert world.books.account("alice").notional_today == 0
    assert world.mailboxes.waiting("clearing") == []
    assert world.findings(expect_final=True) == []


def test_an_order_is_rejected_if_there_is_no_exchange(world: World) -> None:
    world.health.open_circuits = set(EXCHANGES)
    order = world.placed(side=Side.SELL)
    assert (order.status, order.children) == (OrderStatus.REJECTED, ())
    assert world.books.position("alice", "AAPL").available == 1000


def test_without_quotes_the_order_goes_to_the_exchange_with_the_best_quality(world: World) -> None:
    world.faults.before("exchanges.quotes", OutcomeUnknownError("no tape"))
    world.health.quality = {"ARCX": D("0.5"), "XNAS": D("0.7"), "XNYS": D("0.9")}
    assert children(world.placed()) == [("XNYS", 100, ChildStatus.SENT)]


def test_a_quote_of_an_unknown_exchange_is_ignored(world: World) -> None:
    world.show("AAPL", quote("DARK", ask="50.00"), quote("XNYS"))
    assert children(world.placed()) == [("XNYS", 100, ChildStatus.SENT)]


def test_the_remainder_of_an_ioc_gets_a_second_round_of_displayed_liquidity(world: World) -> None:
    order = world.placed(time_in_force=TimeInForce.IOC, quantity=300)
    world.fill(order, 100)
    world.show("AAPL", quote("ARCX"), quote("XNAS", size=50), quote("XNYS", ask="100.01"))
    world.report(world.exchanges.end(f"{order.order_id}-1", ExecType.CANCELED))
    assert children(world.current(order))[1:] == [("XNAS", 50, ChildStatus.SENT)], (
        "displayed liquidity is used once"
    )
    world.show("AAPL")
    world.fill(order, 50, child=2)
    ended = world.current(order)
    assert (ended.status, ended.filled_quantity, ended.reason_code) == (
        OrderStatus.CANCELED,
        150,
        "REMAINDER_CANCELED",
    )
    assert world.books.account("alice").held == 0
    assert ended.cleared_at is not None, "the executed part is cleared"
    assert world.findings() == []


def test_a_fok_that_is_killed_is_canceled(world: World) -> None:
    order = world.placed(time_in_force=TimeInForce.FOK)
    world.report(world.exchanges.end(f"{order.order_id}-1", ExecType.CANCELED))
    assert world.current(order).status is OrderStatus.CANCELED
    assert world.exchanges.arrived == [f"{order.order_id}-1"]


def test_the_quantity_of_a_refused_execution_is_not_bought_elsewhere(world: World) -> None:
    order = world.placed(order_type=OrderType.MARKET, limit_price=None)
    exchange_id = order.children[0].exchange_id
    world.fill(order, 100, price="110.00")
    ended = world.current(order)
    assert [child.exchange_id for child in ended.children] == [exchange_id]
    assert (ended.status, ended.filled_quantity) == (OrderStatus.CANCELED, 0)
