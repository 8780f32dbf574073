"""The clients' order API."""

from dataclasses import dataclass
from datetime import timedelta

from trading.adapters.dynamodb.prices import TableLastPrices
from trading.adapters.dynamodb.tables import TableBooks
from trading.adapters.http.idempotency import Idempotency
from trading.adapters.http.signature_check import SignedRequests
from trading.adapters.http.throttle import Throttle
from trading.adapters.runtime import clock
from trading.adapters.runtime.observability import Counters
from trading.bootstrap import clients, signatures
from trading.bootstrap.api import throttle
from trading.bootstrap.books import table_books
from trading.bootstrap.messaging import mailboxes, order_lifecycle
from trading.bootstrap.settings import OrdersApiSettings
from trading.usecases.orders.cancel_order import RequestCancel
from trading.usecases.orders.list_orders import ListOrders
from trading.usecases.orders.place_order import PlaceOrder
from trading.usecases.orders.replace_order import ReplaceOrder

PRICE_MAX_AGE = timedelta(seconds=60)
"""The greatest age of the last price that collars are measured from. A plain order then costs no
read of it.
"""


@dataclass(frozen=True)
class OrdersApi:
    books: TableBooks
    find_orders: ListOrders
    idempotency: Idempotency
    place_order: PlaceOrder
    replace_order: ReplaceOrder
    request_cancel: RequestCancel
    signed: SignedRequests
    throttle: Throttle


def orders_api(settings: OrdersApiSettings) -> OrdersApi:
    dynamodb = clients.dynamodb()
    books = table_books(settings, dynamodb)
    execution = mailboxes(execution_queue_url=settings.execution_queue_url)
    prices = TableLastPrices(
        clients.dispensable_dynamodb(), settings.control_table, clock.now, PRICE_MAX_AGE
    )
    monitor = Counters()
    return OrdersApi(
        books=books,
        find_orders=ListOrders(books),
        idempotency=Idempotency(dynamodb, settings.idempotency_table),
        place_order=PlaceOrder(
            books, prices, order_lifecycle(settings.order_lifecycle_arn), monitor, clock.now
        ),
        replace_order=ReplaceOrder(books, prices, execution, monitor, clock.now),
        request_cancel=RequestCancel(books, execution, monitor, clock.now),
        signed=signatures.of_clients(settings, lambda client_id: _signs_orders(books, client_id)),
        throttle=throttle(settings),
    )


def _signs_orders(books: TableBooks, client_id: str) -> bool:
    """The profile is cached, and order entry reads it anyway."""
    client = books.client(client_id)
    return client is not None and client.signed_orders
