"""What every way to an accepted order shares: the pre-trade checks on the books as they stand, and
the start of its workflow.
"""

from datetime import datetime

from trading.domain.accounts.cash import Account, Position
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.orders import order_entry
from trading.domain.orders.order import Order
from trading.domain.orders.order_effects import OrderEffect
from trading.domain.reference.instruments import Instrument
from trading.domain.values import Side
from trading.metrics import Metric
from trading.usecases.ports import Books, LastPrices, Monitor, Workflow


class UnknownClientError(DomainError):
    """The token names a client that we do not have."""

    code = ErrorCode.CLIENT_UNKNOWN
    kind = ErrorKind.FORBIDDEN


class IdempotencyKeyReusedError(DomainError):
    """The same key came with another body."""

    code = ErrorCode.IDEMPOTENCY_KEY_REUSED
    kind = ErrorKind.UNPROCESSABLE


def assess(
    books: Books,
    prices: LastPrices,
    received: Order,
    now: datetime,
    account: Account | None = None,
    position: Position | None = None,
) -> OrderEffect:
    """What accepting an order would write. Raises Refusal, UnknownClientError.

    `account` and `position` (for a sale): as they will stand, when what is about to be written
    changes them; else they are read.
    """
    client = books.client(received.client_id)
    if client is None:
        raise UnknownClientError("no such client")
    instrument = order_entry.listed(
        received.symbol, instrument_at_last_price(books, prices, received.symbol)
    )
    order_entry.check_terms(received, instrument)
    highest_fee = max(exchange.fee_per_share for exchange in books.exchanges())
    priced = order_entry.priced(received, client, instrument, highest_fee)
    account = account or books.account(received.client_id)
    if received.side is Side.SELL:
        position = position or books.position(received.client_id, received.symbol)
    return order_entry.accept(
        order_entry.validated(priced, instrument, now), client, account, position
    )


def instrument_at_last_price(books: Books, prices: LastPrices, symbol: str) -> Instrument | None:
    """An instrument as its collars are measured: from the last price, or as long as there is none,
    from its reference price.
    """
    instrument = books.instrument(symbol)
    last = prices.latest([symbol]).get(symbol) if instrument else None
    return instrument.traded_at(last.price) if instrument and last else instrument


def start(workflow: Workflow, monitor: Monitor, order: Order) -> None:
    """The order is accepted whatever happens here: if the workflow does not start now, the sweeper
    starts it. One that waits for its market is started by the sweeper at the open.
    """
    if order.release_at is not None:
        return
    try:
        workflow.start(order)
    except Exception as error:
        monitor.count(Metric.WORKFLOW_STARTS_DEFERRED, order_id=order.order_id, error=repr(error))
