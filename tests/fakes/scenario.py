"""A day of two clients, played to its end whatever fails on the way."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from tests.fakes.builders import TODAY, TOMORROW
from tests.fakes.faults import CrashError
from tests.fakes.venues import ScriptedExchanges
from tests.fakes.world import World
from trading.domain.orders.order import Order
from trading.domain.values import OrderType, Side, TimeInForce
from trading.usecases.ports import OutcomeUnknownError
from trading.wire import ExecType, SubmitOrder

ORDERS: dict[str, dict[str, object]] = {
    "filled in parts": {"quantity": 100},
    "margin, immediate, partly": {
        "client_id": "bob",
        "quantity": 61,
        "time_in_force": TimeInForce.IOC,
    },
    "sold": {
        "client_id": "carol",
        "quantity": 50,
        "side": Side.SELL,
        "order_type": OrderType.MARKET,
    },
    "lacking funds": {"quantity": 5000},
    "refused by the first exchange": {
        "client_id": "bob",
        "quantity": 70,
        "limit_price": Decimal("100.05"),
    },
    "resting": {"quantity": 80},
    "sold in part, then expired": {
        "client_id": "carol",
        "quantity": 90,
        "side": Side.SELL,
        "limit_price": Decimal("99.90"),
    },
    "killed": {"client_id": "bob", "quantity": 10, "time_in_force": TimeInForce.FOK},
    "unknown symbol": {"client_id": "bob", "symbol": "GONE"},
}
PRICES = {Side.BUY: "99.98", Side.SELL: "100.02"}


def conduct(venue: ScriptedExchanges, exchange_id: str, order: SubmitOrder) -> None:
    """What the exchanges do with an order, chosen by its quantity."""
    fills = {100: (60, 40), 61: (40,), 80: (), 90: (30,), 10: ()}.get(
        order.quantity, (order.quantity,)
    )
    price = PRICES[order.side]
    if order.quantity == 70 and order.client_order_id.endswith("-1"):
        venue.end(order.client_order_id, ExecType.REJECTED)
        return
    for quantity in fills:
        venue.fill(order.client_order_id, quantity, price)
    if order.quantity in (61, 10):
        venue.end(order.client_order_id, ExecType.CANCELED)


def new_world() -> World:
    """Alice, Bob with a margin account, and Carol with shares, before their day begins."""
    world = World()
    world.add_client("carol", shares=1000)
    world.add_client(
        "bob", cash="9000.00", margin_percent=Decimal(60), credit_limit=Decimal("8000.00")
    )
    world.exchanges.conduct = conduct
    return world


def persist(call: Callable[[], object]) -> None:
    """Repeat a call that fails, as a client or a schedule does."""
    for _ in range(5):
        try:
            call()
            return
        except (CrashError, OutcomeUnknownError):
            continue
    raise AssertionError("failed five times")


def deliver_reports(world: World) -> None:
    """The exchanges' callbacks: each arrives twice, the later ones first."""
    while True:
        world.run()
        reports, world.exchanges.outbox = world.exchanges.outbox[::-1], []
        if not reports:
            return
        for report in [*reports, *reports]:
            world.report(report)


def sweep(world: World, **later: float) -> None:
    """Let time pass, then run the sweeper."""
    world.advance(**later)
    persist(world.sweep)
    deliver_reports(world)


def play(world: World) -> dict[str, Order]:
    """Play orders, executions, the close, two settlement cycles and a reconciliation. Answers the
    final orders by key.
    """
    for key, terms in ORDERS.items():
        persist(lambda key=key, terms=terms: world.order(key, **terms))  # type: ignore[misc]
        world.advance(seconds=1)
    deliver_reports(world)
    for _ in range(3):
        sweep(world, minutes=2)
    world.now = world.now.replace(hour=21, minute=5)
    persist(lambda: world.close_day(TODAY))
    deliver_reports(world)
    for _ in range(4):
        sweep(world, minutes=31)
    world.now += timedelta(hours=22)
    for _ in range(2):
        persist(lambda: world.settlement_cycle(TOMORROW))
    persist(lambda: world.reconcile(TOMORROW))
    by_key = {
        order.correlation_id.removeprefix("correlation-"): order
        for order in world.books.all_orders()
    }
    return {key: by_key[key] for key in ORDERS}
