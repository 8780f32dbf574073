"""Stop and stop-limit orders go whole to one exchange, which elects them. From then on they behave
like any other order.
"""

from typing import Any

import pytest

from tests.fakes.builders import D
from tests.fakes.world import World
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.replacement import ReplacementRefusedError
from trading.domain.values import OrderType, Side, TimeInForce
from trading.wire import ExecType

STOP = {"order_type": OrderType.STOP, "limit_price": None}
LOSS = STOP | {"side": Side.SELL, "stop_price": D("95.00"), "quantity": 800}


def test_a_stop_order_goes_whole_to_one_exchange_with_its_stop_price(world: World) -> None:
    order = world.placed(**LOSS)
    (child,) = order.children
    exchange_id, submitted = world.exchanges.orders[f"{order.order_id}-1"]
    assert (child.exchange_id, child.quantity) == (exchange_id, 800), (
        "the order is larger than one exchange displays"
    )
    assert (submitted.stop_price, submitted.limit_price) == (D("95.00"), D("91.20"))
    assert submitted.time_in_force is TimeInForce.DAY


def test_a_stop_limit_order_keeps_its_limit(world: World) -> None:
    terms = {
        "order_type": OrderType.STOP_LIMIT,
        "stop_price": D("105.00"),
        "limit_price": D("106.00"),
    }
    order = world.placed(**terms)
    _, submitted = world.exchanges.orders[f"{order.order_id}-1"]
    assert (submitted.stop_price, submitted.limit_price) == (D("105.00"), D("106.00"))
    assert world.books.account("alice").held == D("10600.30")


def test_an_elected_stop_order_is_settled_and_its_excess_hold_released(
    world: World,
) -> None:
    order = world.placed(**STOP, stop_price=D("105.00"))
    assert world.books.account("alice").held == D("10920.30")
    world.fill(order, 100, "105.20")
    assert world.current(order).status is OrderStatus.CLEARED
    account = world.books.account("alice")
    assert (account.held, account.available) == (0, D("100000.00") - D("10520.30"))
    assert world.findings() == []


def test_a_refused_stop_order_goes_whole_to_another_exchange(world: World) -> None:
    world.exchanges.refusing = {"ARCX"}
    order = world.placed(**LOSS)
    assert [(child.exchange_id, child.quantity) for child in order.children] == [
        ("ARCX", 800),
        ("XNAS", 800),
    ]


def test_a_stop_order_can_be_canceled_before_it_is_elected(world: World) -> None:
    order = world.placed(**LOSS)
    world.request_cancel("alice", order.order_id)
    world.run()
    assert world.current(order).status is OrderStatus.CANCELED
    assert world.books.position("alice", "AAPL").available == 1000
    assert world.findings(expect_final=True) == []


def test_a_stop_price_is_compared_with_the_last_execution(world: World) -> None:
    world.prices.observe("AAPL", D("94.00"), world.now, "trd_1")
    assert world.order(**LOSS).reason_code == "STOP_PRICE_REACHED"


def exchanges_of(world: World, order: Order) -> set[str]:
    """The exchanges that may still execute a part of the order."""
    return {child.exchange_id for child in world.current(order).live_children}


def test_a_resting_stop_does_not_forbid_a_buy(world: World) -> None:
    """The two are kept apart: the buy goes to an exchange where the stop does not rest."""
    stop = world.placed("stop", **LOSS)
    buy = world.placed("buy", limit_price=D("100.00"))
    assert (buy.reason_code, buy.kept_apart) == (None, True)
    assert exchanges_of(world, stop)
    assert exchanges_of(world, buy)
    assert not exchanges_of(world, stop) & exchanges_of(world, buy)


def test_a_stop_is_kept_apart_from_a_resting_buy(world: World) -> None:
    buy = world.placed("buy", quantity=10, limit_price=D("91.20"))
    stop = world.placed("stop", **LOSS)
    assert stop.kept_apart
    assert exchanges_of(world, stop)
    assert not exchanges_of(world, stop) & exchanges_of(world, buy)


def test_orders_that_never_meet_are_not_kept_apart(world: World) -> None:
    world.placed("below the stop's collar", limit_price=D("91.19"))
    assert world.placed("stop", **LOSS).kept_apart is None


def test_a_stop_that_no_exchange_is_left_for_is_canceled(world: World) -> None:
    world.health.open_circuits = {"ARCX", "XNYS"}
    world.placed("buy", quantity=10, limit_price=D("91.20"))
    stop = world.placed("stop", **LOSS)
    assert (stop.status, stop.reason_code, stop.children) == (
        OrderStatus.CANCELED,
        "SELF_TRADE_PREVENTED",
        (),
    )
    assert world.books.position("alice", "AAPL").held == 0
    assert world.findings() == []


def test_an_order_that_is_routed_again_keeps_away_from_a_later_one(world: World) -> None:
    """The stop was first. When its exchange rejects it, the buy rests at another one by then."""
    stop = world.placed("stop", **LOSS)
    buy = world.placed("buy", quantity=10, limit_price=D("91.30"))
    occupied = exchanges_of(world, buy)
    assert len(occupied) == 1
    world.report(world.exchanges.end(f"{stop.order_id}-1", ExecType.REJECTED))
    rerouted = world.current(stop)
    assert len(rerouted.children) == 2
    assert exchanges_of(world, rerouted)
    assert not exchanges_of(world, rerouted) & occupied


def test_the_stop_price_can_be_replaced(world: World) -> None:
    order = world.placed(**LOSS)
    new = world.replace(order, "key-2", stop_price=D("96.00"))
    world.run()
    moved = world.current(new)
    assert (moved.status, moved.stop_price, moved.limit_price) == (
        OrderStatus.ROUTING,
        D("96.00"),
        None,
    )
    assert world.exchanges.orders[f"{new.order_id}-1"][1].limit_price == D("92.16")
    assert world.findings() == []


@pytest.mark.parametrize(
    ("terms", "wanted", "code"),
    [
        (LOSS, {"limit_price": D("94.00")}, "PRICE_NOT_ALLOWED"),
        (LOSS, {"stop_price": D("101.00")}, "STOP_PRICE_REACHED"),
        ({}, {"stop_price": D("101.00")}, "STOP_PRICE_NOT_ALLOWED"),
    ],
)
def test_impossible_replacements_of_a_stop_order_are_refused(
    world: World, terms: dict[str, Any], wanted: dict[str, Any], code: str
) -> None:
    order = world.placed(**terms)
    with pytest.raises(ReplacementRefusedError) as refused:
        world.replace(order, "key-2", **wanted)
    assert refused.value.code == code
    assert world.current(order).is_open
