"""Lists of orders: which orders they show, in which order and by which pages."""

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.builders import D
from tests.fakes.world import NOW, World
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Side
from trading.usecases.orders import list_orders
from trading.usecases.orders.list_orders import OrderFilter

LOW, HIGH = D("90.00"), D("110.00")


@pytest.fixture
def world() -> World:
    """Orders of alice, a minute apart: filled, resting, rejected, a sale, and one more at rest. Bob
    has one order.
    """
    world = World()
    world.add_client("bob", cash="100000.00")
    world.fill(world.placed("filled"), 100)
    world.advance(minutes=1)
    world.placed("resting", limit_price=LOW)
    world.placed("bobs", client_id="bob", limit_price=LOW)
    world.advance(minutes=1)
    world.order("rejected", quantity=100_000)
    world.advance(minutes=1)
    world.placed("sale", side=Side.SELL, limit_price=HIGH)
    world.advance(minutes=1)
    world.placed("last", limit_price=LOW)
    return world


def pages(
    world: World, limit: int = 50, client_id: str = "alice", **wanted: Any
) -> list[list[str]]:
    """The client's own ids of the listed orders, page by page."""
    found, after = [], None
    while True:
        page, after = world.list_orders(client_id, OrderFilter(**wanted), after, limit)
        found.append([order.idempotency_key for order in page])
        if after is None:
            return found


def flat(found: list[list[str]]) -> list[str]:
    return [key for page in found for key in page]


def test_a_client_sees_only_its_own_orders_newest_first(world: World) -> None:
    assert pages(world) == [["last", "sale", "rejected", "resting", "filled"]]
    assert pages(world, client_id="bob") == [["bobs"]]
    assert pages(world, client_id="nobody") == [[]]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"is_open": True}, ["last", "sale", "resting"]),
        ({"is_open": False}, ["rejected", "filled"]),
        ({"status": OrderStatus.REJECTED}, ["rejected"]),
        ({"status": OrderStatus.ROUTING}, ["last", "sale", "resting"]),
        ({"status": OrderStatus.ROUTING, "is_open": False}, []),
        ({"status": OrderStatus.REJECTED, "is_open": True}, []),
        ({"side": Side.SELL}, ["sale"]),
        ({"side": Side.SELL, "is_open": True}, ["sale"]),
        ({"symbol": "AAPL", "side": Side.BUY, "is_open": True}, ["last", "resting"]),
        ({"symbol": "MSFT"}, []),
        ({"first": NOW + timedelta(minutes=2)}, ["last", "sale", "rejected"]),
        ({"until": NOW + timedelta(minutes=2)}, ["resting", "filled"]),
        (
            {"first": NOW + timedelta(minutes=1), "until": NOW + timedelta(minutes=4)},
            ["sale", "rejected", "resting"],
        ),
        ({"is_open": True, "until": NOW + timedelta(minutes=4)}, ["sale", "resting"]),
    ],
)
def test_each_filter_selects_its_orders(
    world: World, wanted: dict[str, Any], expected: list[str]
) -> None:
    assert flat(pages(world, **wanted)) == expected


@pytest.mark.parametrize("wanted", [{}, {"is_open": True}, {"is_open": False}, {"side": Side.BUY}])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_pages_together_are_the_whole_list(
    world: World, wanted: dict[str, Any], limit: int
) -> None:
    (whole,) = pages(world, **wanted)
    found = pages(world, limit, **wanted)
    assert flat(found) == whole
    assert all(len(page) == limit for page in found[:-1])


def test_an_order_that_ends_between_two_pages_does_not_shift_the_others(world: World) -> None:
    first, after = world.list_orders("alice", OrderFilter(is_open=True), None, 1)
    assert after is not None
    world.cancel(first[0])
    rest, _ = world.list_orders("alice", OrderFilter(is_open=True), after, 50)
    assert [order.idempotency_key for order in rest] == ["sale", "resting"]


def test_a_request_reads_a_bounded_number_of_orders(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_orders, "ROUNDS", 2)
    monkeypatch.setattr(list_orders, "ORDERS_A_ROUND", 1)
    assert pages(world, status=OrderStatus.SETTLED) == [[], [], []]
    assert pages(world, status=OrderStatus.FILLED) == [[], [], []]
    assert pages(world, status=OrderStatus.CLEARED) == [[], [], ["filled"]]


def test_orders_with_the_same_time_are_each_listed_once() -> None:
    world = World()
    for number in range(5):
        world.order(f"key-{number}", quantity=1)
    for wanted in ({}, {"is_open": True}):
        listed = flat(pages(world, 2, **wanted))
        assert sorted(listed) == [f"key-{number}" for number in range(5)]


def test_a_pending_replacement_is_listed_as_open() -> None:
    world = World()
    old = world.placed("old")
    new = world.replace(old, quantity=50)
    state_open, _ = world.list_orders("alice", OrderFilter(is_open=True), None, 10)
    closed, _ = world.list_orders("alice", OrderFilter(is_open=False), None, 10)
    assert {order.order_id for order in state_open} == {old.order_id, new.order_id}
    assert closed == []
