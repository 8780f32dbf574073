"""Clearing: each trade of an order is novated once, and the order's status changes with the last
one.
"""

import pytest

from tests.fakes.builders import D
from tests.fakes.faults import CrashError
from tests.fakes.world import World
from trading.domain.ledger import Novation
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Side, TimeInForce
from trading.messages import ReportReceived
from trading.usecases.ports import NotFoundError
from trading.usecases.posttrade.clear_trades import TRADES_PER_TRANSACTION, NotExecutedError
from trading.wire import ExecType


def executed(world: World, *fills: int, key: str = "key-1", **changes: object) -> Order:
    """An order that was executed in these parts and waits for clearing."""
    order = world.placed(key, **{"quantity": sum(fills)} | changes)
    for quantity in fills:
        report = world.exchanges.fill(f"{order.order_id}-1", quantity, "100.00")
        world.execute(ReportReceived(client_id=order.client_id, correlation_id="c", report=report))
    return world.current(order)


def novations(world: World) -> list[Novation]:
    return [entry for entry in world.books.ledger() if isinstance(entry, Novation)]


def test_trades_and_order_are_cleared_together(world: World) -> None:
    order = executed(world, 60, 40)
    assert order.status is OrderStatus.FILLED
    cleared = world.clear(order.order_id)
    assert (cleared.status, cleared.cleared_at, cleared.attention_at) == (
        OrderStatus.CLEARED,
        world.now,
        None,
    )
    assert cleared == world.current(order)
    assert [n.net_position.net_quantity for n in novations(world)] == [60, 100]
    assert len(world.books.snapshot().obligations) == 2
    assert world.findings() == []


def test_the_net_position_counts_the_clients_other_trades_of_the_day(world: World) -> None:
    world.clear(executed(world, 100).order_id)
    world.clear(executed(world, 30, key="sale", side=Side.SELL).order_id)
    assert novations(world)[-1].net_position.net_quantity == 70
    assert novations(world)[-1].net_position.net_amount == D("-7000.00")


def test_a_repeated_clearing_changes_nothing(world: World) -> None:
    order = executed(world, 100)
    cleared = world.clear(order.order_id)
    before = dict(world.books.items)
    assert world.clear(order.order_id) == cleared
    assert world.books.items == before


def test_an_order_that_ended_with_fills_keeps_its_status(world: World) -> None:
    order = executed(world, 30, quantity=100)
    report = world.exchanges.end(f"{order.order_id}-1", ExecType.CANCELED)
    world.execute(ReportReceived(client_id="alice", correlation_id="c", report=report))
    cleared = world.clear(order.order_id)
    assert (cleared.status, cleared.cleared_at) == (OrderStatus.CANCELED, world.now)
    assert len(novations(world)) == 1


def test_an_order_with_nothing_executed_cannot_be_cleared(world: World) -> None:
    order = world.placed()
    with pytest.raises(NotExecutedError):
        world.clear(order.order_id)
    world.cancel(order)
    assert world.clear(order.order_id) == world.current(order)
    assert novations(world) == []


def test_the_trades_of_an_order_that_stays_open_can_be_cleared(world: World) -> None:
    """They settle on their dates while the rest of the order waits."""
    order = executed(world, 30, quantity=100, time_in_force=TimeInForce.GTC)
    cleared = world.clear(order.order_id)
    assert cleared == order.saved(), "the order is written, so that no reversal slips in between"
    assert world.clear(order.order_id) == cleared
    assert len(novations(world)) == 1
    world.settlement_cycle(novations(world)[0].net_position.settlement_date)
    assert world.current(order).settled_quantity == 30
    world.fill(order, 70)
    assert world.current(order).status is OrderStatus.SETTLING
    world.settlement_cycle(novations(world)[0].net_position.settlement_date)
    assert world.current(order).status is OrderStatus.SETTLED
    assert world.findings(expect_final=True) == []


def test_an_unknown_order_cannot_be_cleared(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.clear("ord_unknown")


MANY = 2 * TRADES_PER_TRANSACTION + 5


def test_very_many_trades_are_cleared_in_several_transactions(world: World) -> None:
    order = executed(world, *[1] * MANY)
    commits = world.faults.calls.count("books.commit")
    assert world.clear(order.order_id).status is OrderStatus.CLEARED
    assert world.faults.calls.count("books.commit") - commits == 3
    assert novations(world)[-1].net_position.net_quantity == MANY
    assert world.findings() == []


@pytest.mark.parametrize("crash_at", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True])
def test_a_repeated_clearing_repairs_a_crash_between_two_transactions(
    world: World, crash_at: int, after: bool
) -> None:
    order = executed(world, *[1] * MANY)
    done = 0
    commit = world.books.commit

    def commit_and_crash(*changes: object) -> None:
        nonlocal done
        done += 1
        if done == crash_at and not after:
            raise CrashError
        commit(*changes)  # type: ignore[arg-type]
        if done == crash_at:
            raise CrashError

    world.books.commit = commit_and_crash  # type: ignore[method-assign,assignment]
    with pytest.raises(CrashError):
        world.clear(order.order_id)
    assert world.clear(order.order_id).status is OrderStatus.CLEARED
    assert len(novations(world)) == MANY
    assert novations(world)[-1].net_position.net_quantity == MANY
    assert world.findings() == []


def test_no_transaction_of_a_clearing_novates_a_trade_that_is_busted_meanwhile(
    world: World,
) -> None:
    order = executed(world, *[1] * MANY)
    commit, busted = world.books.commit, []

    def bust_first(*changes: object) -> None:
        if not busted:
            busted.append(world.current(order).trades[0])
            bust = world.exchanges.bust(f"{order.order_id}-1", f"{order.order_id}-1-1")
            world.execute(ReportReceived(client_id="alice", correlation_id="c", report=bust))
        commit(*changes)  # type: ignore[arg-type]

    world.books.commit = bust_first  # type: ignore[method-assign,assignment]
    world.clear(order.order_id)
    assert len(novations(world)) == MANY - 1
    assert busted[0] not in {novation.trade_id for novation in novations(world)}
    assert world.findings() == []


def test_a_clearing_that_loses_a_race_is_tried_again(world: World) -> None:
    order = executed(world, 100)
    world.faults.stale(times=3)
    assert world.clear(order.order_id).status is OrderStatus.CLEARED
    assert len(novations(world)) == 1


def test_the_client_of_an_order_is_found(world: World) -> None:
    order = executed(world, 100)
    world.books.clients.clear()
    with pytest.raises(NotFoundError):
        world.clear(order.order_id)


def test_an_order_that_cannot_be_cleared_is_flagged(world: World) -> None:
    order = executed(world, 100)
    world.clear.flag(order.order_id, "x" * 300)
    assert world.current(order).review_reason == "x" * 256
    world.clear.flag("ord_unknown", "nothing to flag")
