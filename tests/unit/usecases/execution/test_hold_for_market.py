"""Orders wait until their market opens, or until trading resumes after a halt."""

from datetime import datetime, timedelta

import pytest

from tests.fakes.builders import D, make_instrument
from tests.fakes.deadlines import over_at
from tests.fakes.world import NOW, World, quote
from trading.domain.deadline import OutOfTimeError
from trading.domain.orders.order_status import OrderStatus
from trading.domain.reference.calendars import NEW_YORK
from trading.domain.values import OrderType, Side, TimeInForce
from trading.messages import ExecuteOrder
from trading.usecases.execution import sweep_orders
from trading.usecases.ports import OutcomeUnknownError

OPEN = NOW.replace(hour=14, minute=30)
"""9:30 in New York."""


@pytest.fixture
def world() -> World:
    """An hour before the open. MSFT can be traded at any time."""
    world = World()
    world.books.instruments["MSFT"] = make_instrument(symbol="MSFT", trading_hours="continuous")
    world.show("MSFT", quote("XNYS"))
    world.now = OPEN - timedelta(hours=1)
    return world


def new_york(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=NEW_YORK)  # type: ignore[misc,arg-type]


HOURS = [
    (new_york(2026, 11, 23, 9, 29), new_york(2026, 11, 23, 9, 30)),
    (new_york(2026, 11, 23, 9, 30), None),
    (new_york(2026, 11, 23, 15, 59), None),
    (new_york(2026, 11, 23, 16, 0), new_york(2026, 11, 24, 9, 30)),
    (new_york(2026, 11, 26, 11, 0), new_york(2026, 11, 27, 9, 30)),  # Thanksgiving
    (new_york(2026, 11, 27, 12, 59), None),
    (
        new_york(2026, 11, 27, 13, 0),
        new_york(2026, 11, 30, 9, 30),
    ),  # the market closes early, before a weekend
    (new_york(2026, 11, 28, 11, 0), new_york(2026, 11, 30, 9, 30)),
]


@pytest.mark.parametrize(("moment", "opens"), HOURS)
def test_a_closed_market_opens_by_the_calendar(
    world: World, moment: datetime, opens: datetime | None
) -> None:
    world.now = moment
    order = world.order()
    assert (order.status, order.release_at) == (OrderStatus.VALIDATED, opens)
    assert order.business_date == (opens or moment).date()
    if opens:
        assert (order.attention_at, world.workflow.started) == (opens, [])
    assert world.order("continuous", symbol="MSFT").release_at is None


@pytest.mark.parametrize(
    "terms",
    [
        {"order_type": OrderType.MARKET},
        {"time_in_force": TimeInForce.IOC},
        {"time_in_force": TimeInForce.FOK},
    ],
)
def test_an_order_that_may_not_rest_is_refused_with_the_next_opening_time(
    world: World, terms: dict[str, object]
) -> None:
    order = world.order(**terms)
    assert (order.status, order.reason_code) == (OrderStatus.REJECTED, "MARKET_CLOSED")
    assert "2026-11-23T14:30:00" in (order.history[-1].reason or "")
    assert world.books.account("alice").held == 0
    world.now = OPEN
    assert world.order("open", **terms).status is OrderStatus.VALIDATED


def test_a_waiting_order_holds_its_funds_and_is_sent_at_the_open(world: World) -> None:
    order = world.order()
    assert world.books.account("alice").held == order.hold.cash
    world.mailboxes.put("execution", execute(order.order_id))
    world.sweep()
    world.run()
    assert (world.current(order).status, world.workflow.started) == (OrderStatus.VALIDATED, [])
    world.now = OPEN
    assert world.sweep() == 1
    world.run()
    assert world.current(order).status is OrderStatus.ROUTING
    world.fill(order, 100)
    assert world.current(order).status is OrderStatus.CLEARED
    assert world.findings() == []


def execute(order_id: str) -> ExecuteOrder:
    return ExecuteOrder(client_id="alice", correlation_id="by hand", order_id=order_id)


def test_a_waiting_order_can_be_canceled_before_the_open(world: World) -> None:
    order = world.order()
    world.request_cancel("alice", order.order_id)
    world.run()
    assert world.current(order).status is OrderStatus.CANCELED
    assert world.books.account("alice").held == 0
    world.now = OPEN
    assert world.sweep() == 0
    assert world.findings(expect_final=True) == []


def test_a_waiting_day_order_expires_at_the_close_of_the_session_it_waited_for(
    world: World,
) -> None:
    world.now = new_york(2026, 11, 23, 16, 1)
    order = world.order()
    assert world.close_day(None) == 0
    world.now = new_york(2026, 11, 24, 16, 0)
    assert world.close_day(None) == 1
    world.run()
    assert world.current(order).status is OrderStatus.EXPIRED
    assert world.findings(expect_final=True) == []


def test_a_waiting_order_may_be_overtaken_until_it_is_released(world: World) -> None:
    waiting, overtaking = world.order("waits"), world.placed("overtakes", symbol="MSFT")
    assert (world.current(waiting).status, overtaking.status) == (
        OrderStatus.VALIDATED,
        OrderStatus.ROUTING,
    )
    assert world.findings() == []
    world.now = OPEN + timedelta(minutes=1)
    later = world.placed("later", side=Side.SELL, limit_price=D("100.01"))
    routed = [world.current(order).history[-1].status for order in (waiting, later)]
    assert routed == [OrderStatus.ROUTING] * 2, (
        "released orders are sent before orders placed after the open"
    )
    arrived = [f"{order.order_id}-1" for order in (overtaking, waiting, later)]
    assert [child for child in world.exchanges.arrived if child in arrived] == arrived
    assert world.findings() == []


def test_one_sweep_starts_all_orders_that_waited_for_the_open(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_orders, "ORDERS_PER_SWEEP", 3)
    orders = [world.order(f"key-{number}", quantity=1) for number in range(10)]
    world.now = OPEN + timedelta(seconds=1)
    assert world.sweep() == 10
    world.run()
    assert {world.current(order).status for order in orders} == {OrderStatus.ROUTING}


def test_a_sweep_that_runs_out_of_time_leaves_the_rest_to_the_next(world: World) -> None:
    for number in range(5):
        world.order(f"key-{number}", quantity=1)
    world.now = OPEN + timedelta(seconds=1)
    assert world.sweep(over_at(4)) == 2
    assert world.sweep() == 3


def reads(world: World) -> int:
    return sum(
        call in ("books.order", "books.orders", "books.account") for call in world.faults.calls
    )


def test_an_overtaking_order_looks_only_at_its_direct_predecessor(
    world: World,
) -> None:
    world.order("waits", time_in_force=TimeInForce.GTC)
    taken = []
    for number in range(12):
        world.order(f"overtakes {number}", symbol="MSFT", quantity=1)
        before = reads(world)
        world.run()
        taken.append(reads(world) - before)
    assert len(set(taken[1:])) == 1, taken


def test_a_released_order_is_found_in_a_few_reads_behind_many_newer_ones(
    world: World,
) -> None:
    waiting = world.order("waits", time_in_force=TimeInForce.GTC)
    for number in range(30):
        world.placed(f"overtakes {number}", symbol="MSFT", quantity=1)
    later = [world.order(f"also waits {number}", quantity=1) for number in range(3)]
    world.now = OPEN
    before = reads(world)
    world.execute(execute(later[1].order_id))
    assert reads(world) - before < 15
    expected = [OrderStatus.ROUTING] * 3 + [OrderStatus.VALIDATED]
    assert [world.current(order).status for order in (waiting, *later)] == expected
    assert world.exchanges.arrived[-3:] == [
        f"{order.order_id}-1" for order in (waiting, *later[:2])
    ]


def halt(world: World, symbol: str = "AAPL", *, halted: bool = True) -> None:
    """MSFT is traded in the exchanges' hours, too."""
    world.books.instruments[symbol] = make_instrument(symbol=symbol, tradable=not halted)


def minute_by_minute(world: World, minutes: int) -> None:
    for _ in range(minutes):
        world.sweep()
        world.run()
        world.advance(minutes=1)


def test_an_order_of_a_halted_instrument_waits_and_delays_no_other(
    world: World,
) -> None:
    halt(world, "MSFT", halted=False)
    first, other, second = (
        world.order("first"),
        world.order("other", symbol="MSFT"),
        world.order("second"),
    )
    halt(world)
    world.now = OPEN
    minute_by_minute(world, 3)
    assert world.statuses(first, other, second) == (
        OrderStatus.VALIDATED,
        OrderStatus.ROUTING,
        OrderStatus.VALIDATED,
    )
    assert world.books.account("alice").held > 0
    halt(world, halted=False)
    world.execute(execute(second.order_id))
    assert world.exchanges.arrived == [f"{order.order_id}-1" for order in (other, first, second)]
    assert world.findings() == []


def test_a_day_order_halted_until_the_close_expires(world: World) -> None:
    order = world.order()
    halt(world)
    world.now = OPEN
    minute_by_minute(world, 2)
    world.now = new_york(2026, 11, 23, 16, 0)
    world.execute(execute(order.order_id))
    minute_by_minute(world, 1)
    assert world.current(order).status is OrderStatus.EXPIRED
    assert world.findings(expect_final=True) == []


def test_a_gtc_order_halted_past_the_close_is_sent_at_the_next_open(
    world: World,
) -> None:
    order = world.order(time_in_force=TimeInForce.GTC)
    halt(world)
    world.now = OPEN
    minute_by_minute(world, 2)
    halt(world, halted=False)
    world.now = new_york(2026, 11, 23, 16, 1)
    minute_by_minute(world, 2)
    waits = world.current(order)
    assert (waits.status, waits.attention_at) == (OrderStatus.VALIDATED, OPEN + timedelta(days=1))
    world.now = OPEN + timedelta(days=1)
    minute_by_minute(world, 2)
    assert world.current(order).status is OrderStatus.ROUTING


def test_an_order_put_off_by_a_halt_is_marked_once_and_can_be_canceled(world: World) -> None:
    order = world.order()
    halt(world)
    world.now = OPEN
    minute_by_minute(world, 1)
    marked = world.current(order)
    assert (marked.put_off, marked.attention_at) == (True, OPEN + timedelta(minutes=1))
    minute_by_minute(world, 2)
    assert world.current(order).version == marked.version
    world.request_cancel("alice", order.order_id)
    world.run()
    assert world.current(order).status is OrderStatus.CANCELED


def test_the_sweeper_starts_orders_in_sequence_by_client_and_the_clients_in_turn(
    world: World,
) -> None:
    world.add_client("bob", cash="20000.00")
    for number in range(5):
        world.placed(f"before {number}", client_id="bob", symbol="MSFT", quantity=1)
    world.workflow.started.clear()
    names = {
        world.order(f"{who} {n}", client_id=who, quantity=1).order_id: n
        for who in ("bob", "alice")
        for n in range(3)
    }
    world.now = OPEN + timedelta(seconds=1)
    world.sweep()
    assert [names[order_id] for order_id in world.workflow.started] == [0, 0, 1, 1, 2, 2]


def test_orders_not_sent_at_the_open_for_lack_of_time_are_sent_by_the_next_try(
    world: World,
) -> None:
    orders = [world.order(f"key-{number}", quantity=1) for number in range(6)]
    world.now = OPEN + timedelta(seconds=1)
    last = execute(orders[-1].order_id)
    with pytest.raises(OutOfTimeError):
        world.execute(last, deadline=over_at(3))
    assert len(world.exchanges.arrived) == 3
    world.execute(last, redelivered=True)
    assert world.exchanges.arrived == [f"{order.order_id}-1" for order in orders]
    assert world.faults.calls.count("exchanges.status") == 1, "only the last order is in doubt"


def test_an_order_sent_by_its_successors_message_is_cleared_although_no_run_looks_at_it(
    world: World,
) -> None:
    first, second = (world.order(key) for key in ("first", "second"))
    world.now = OPEN + timedelta(seconds=1)
    world.workflow.start(second)
    world.run()
    assert world.statuses(first, second) == (OrderStatus.ROUTING, OrderStatus.ROUTING)
    world.sweep()
    world.run()
    assert world.workflow.started == [second.order_id]
    world.fill(first, 100)
    assert world.current(first).status is OrderStatus.FILLED
    world.advance(minutes=1)
    world.sweep()
    world.run()
    assert world.current(first).status is OrderStatus.CLEARED


def test_an_order_in_doubt_sent_by_its_successors_message_is_retried_soon(world: World) -> None:
    first, second = (world.order(key) for key in ("first", "second"))
    world.now = OPEN + timedelta(seconds=1)
    for call in ("exchanges.submit", "exchanges.cancel"):
        world.faults.before(call, OutcomeUnknownError("timed out"))
    world.workflow.start(second)
    world.run()
    assert world.exchanges.arrived == [f"{second.order_id}-1"]
    world.sweep()
    world.run()
    minute_by_minute(world, 2)
    assert world.exchanges.arrived == [f"{second.order_id}-1", f"{first.order_id}-1"]
