"""What finds orders that nothing moves: the sweep and the close of the day."""

from trading.adapters.runtime import clock
from trading.adapters.runtime.observability import Counters
from trading.bootstrap.books import table_books
from trading.bootstrap.messaging import mailboxes, order_lifecycle
from trading.bootstrap.settings import DayCloseSettings, SweeperSettings
from trading.usecases.execution.close_day import CloseDay
from trading.usecases.execution.sweep_orders import SweepOrders


def sweep_orders(settings: SweeperSettings) -> SweepOrders:
    return SweepOrders(
        table_books(settings),
        order_lifecycle(settings.order_lifecycle_arn),
        mailboxes(execution_queue_url=settings.execution_queue_url),
        Counters(),
        clock.now,
        settings.orders_per_invocation,
    )


def close_day(settings: DayCloseSettings) -> CloseDay:
    return CloseDay(
        table_books(settings),
        mailboxes(
            execution_queue_url=settings.execution_queue_url,
            clearing_queue_url=settings.clearing_queue_url,
        ),
        Counters(),
        clock.now,
        settings.orders_per_page,
    )
