"""Corrections and busts as exchanges report them, and what the tests of them look at."""

from datetime import timedelta

from tests.fakes.builders import TOMORROW, D
from tests.fakes.world import World
from trading.domain.ledger import Break, Reversal
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import is_legal_path
from trading.wire import ExecutionReport

AFTER_TOMORROW = TOMORROW + timedelta(days=1)
START = D("100000.00")


def breaks(world: World) -> list[str]:
    return [entry.code for entry in world.books.ledger() if isinstance(entry, Break)]


def reversals(world: World) -> list[Reversal]:
    return [entry for entry in world.books.ledger() if isinstance(entry, Reversal)]


def child(order: Order, number: int = 1) -> str:
    return f"{order.order_id}-{number}"


def bust(world: World, order: Order, execution: int = 1) -> ExecutionReport:
    """An exchange busts an execution and reports it."""
    report = world.exchanges.bust(child(order), f"{child(order)}-{execution}")
    world.report(report)
    return report


def correct(
    world: World, order: Order, quantity: int, price: str, execution: str = "1"
) -> ExecutionReport:
    """An exchange corrects an execution and reports it."""
    reference = f"{child(order)}-{execution}"
    report = world.exchanges.correct(child(order), reference, quantity, price)
    world.report(report)
    return report


def settle_all(world: World) -> None:
    """Run the settlement cycles of the next settlement days."""
    for day in (TOMORROW, AFTER_TOMORROW):
        world.now = world.now.replace(day=day.day, hour=23)
        world.settlement_cycle(day)
        assert world.reconcile(day).breaks == 0


def cash(world: World) -> D:
    return world.books.account("alice").total


def shares(world: World) -> int:
    return world.books.position("alice", "AAPL").quantity


def sums(world: World) -> tuple[D, int, D, D]:
    """Cash, shares, cost basis and realised profit."""
    position = world.books.position("alice", "AAPL")
    return cash(world), position.quantity, position.cost_basis, position.realised_profit


def assert_sound(world: World, final: bool = False) -> None:
    """No invariant is violated. Breaks are looked at by name."""
    assert [f for f in world.findings(final) if not f.message.startswith("break ")] == []
    for order in world.books.all_orders():
        assert is_legal_path(order.history)
