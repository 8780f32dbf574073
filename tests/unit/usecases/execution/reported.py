"""What an exchange reports of an order, and the breaks that follow."""

from tests.fakes.world import World
from trading.domain.ledger import Break
from trading.domain.orders.order import Order
from trading.messages import ReportReceived
from trading.wire import ExecType, ExecutionReport


def breaks(world: World) -> list[str]:
    return [entry.code for entry in world.books.ledger() if isinstance(entry, Break)]


def deliver(world: World, report: ExecutionReport) -> None:
    world.execute(ReportReceived(client_id=report.account, correlation_id="c", report=report))


def trade(
    world: World, order: Order, quantity: int, price: str = "100.00", child: int = 1
) -> ExecutionReport:
    """Execute at the exchange. The report is still on its way."""
    return world.exchanges.fill(f"{order.order_id}-{child}", quantity, price)


def canceled(world: World, order: Order, child: int = 1) -> ExecutionReport:
    return world.exchanges.end(f"{order.order_id}-{child}", ExecType.CANCELED)
