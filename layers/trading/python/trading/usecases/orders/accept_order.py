"""What every way to an accepted order shares: the facts that the pre-trade checks need, and the
start of the order's workflow.
"""

from typing import Protocol

from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.orders.order import Order
from trading.domain.orders.order_entry import EntryFacts
from trading.domain.reference.instruments import Instrument
from trading.domain.values import Side
from trading.metrics import Metric
from trading.usecases.ports import (
    Accounts,
    ClientProfiles,
    LastPrices,
    Monitor,
    ReferenceData,
    Workflow,
)


class EntryBooks(ClientProfiles, ReferenceData, Accounts, Protocol):
    """What the pre-trade checks are made on."""


class UnknownClientError(DomainError):
    """The token names a client that we do not have."""

    code = ErrorCode.CLIENT_UNKNOWN
    kind = ErrorKind.FORBIDDEN


class IdempotencyKeyReusedError(DomainError):
    """The same key came with another body."""

    code = ErrorCode.IDEMPOTENCY_KEY_REUSED
    kind = ErrorKind.UNPROCESSABLE


def gather(
    books: EntryBooks, prices: LastPrices, client_id: str, symbol: str, side: Side
) -> EntryFacts:
    """Read all that the pre-trade checks need. Raises UnknownClientError."""
    client = books.client(client_id)
    if client is None:
        raise UnknownClientError("There is no such client.")
    return EntryFacts(
        client=client,
        instrument=instrument_at_last_price(books, prices, symbol),
        highest_fee=max(exchange.fee_per_share for exchange in books.exchanges()),
        account=books.account(client_id),
        position=books.position(client_id, symbol) if side is Side.SELL else None,
    )


def instrument_at_last_price(
    books: ReferenceData, prices: LastPrices, symbol: str
) -> Instrument | None:
    """An instrument whose collars are measured from its last price, or from its reference price
    while it has none.
    """
    instrument = books.instrument(symbol)
    last = prices.latest([symbol]).get(symbol) if instrument else None
    return instrument.traded_at(last.price) if instrument and last else instrument


def start(workflow: Workflow, monitor: Monitor, order: Order) -> None:
    """Start the workflow of an accepted order.

    If the start fails, the sweeper starts it later: the order stays accepted. The sweeper also
    starts an order that waits for its market, at the open.
    """
    if order.release_at is not None:
        return
    try:
        workflow.start(order)
    except Exception as error:
        monitor.count(Metric.WORKFLOW_STARTS_DEFERRED, order_id=order.order_id, error=repr(error))
