"""Stop and stop-limit orders go whole to one exchange, which elects them. From then on they behave
like any other order.
"""

from typing import Any

import pytest

from tests.fakes.builders import D
from tests.fakes.world import World
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.replacement import ReplacementRefusedError
from trading.domain.values import OrderType, Side, TimeInForce

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
    world.prices.observe("AAPL", D("94.00"), world.now)
    assert world.order(**LOSS).reason_code == "STOP_PRICE_REACHED"


def test_the_self_trade_check_of_a_stop_order_uses_its_collar(world: World) -> None:
    resting = world.order("resting", limit_price=D("91.20"))
    refused = world.order("stop", **LOSS)
    assert refused.reason_code == "SELF_TRADE"
    assert resting.order_id in (refused.history[-1].reason or "")
    world.request_cancel("alice", resting.order_id)
    world.run()
    world.order("further away", limit_price=D("91.19"))
    assert world.order("another stop", **LOSS).status is OrderStatus.VALIDATED


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
