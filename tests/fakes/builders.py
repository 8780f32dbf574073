"""Inputs of the tests: a client, an instrument, exchanges, and orders at every point of
their life.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from trading.domain import identifiers
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client
from trading.domain.clients.credentials import StoredSecret
from trading.domain.orders import order_entry
from trading.domain.orders.booking import VenueExecution
from trading.domain.orders.order import Order
from trading.domain.orders.order_request import OrderRequest
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import OrderType, Side, TimeInForce

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""The Monday before Thanksgiving, 10:00 in New York."""
TODAY = date(2026, 11, 23)
TOMORROW = date(2026, 11, 24)
D = Decimal


def make_client(**changes: Any) -> Client:
    """A client without credit, with a generous daily limit."""
    fields: dict[str, Any] = {
        "client_id": "alice",
        "name": "Alice",
        "daily_trading_limit": D("1000000"),
        "settlement_account": "acct-alice",
    }
    return Client(**fields | changes)


def make_secret(name: str = "hash") -> StoredSecret:
    """What is stored of a secret that nobody has to know."""
    return StoredSecret(hash=name, public_key=f"key of {name}")


def make_instrument(**changes: Any) -> Instrument:
    """AAPL at 100.00, as it is read."""
    listed = {"symbol": "AAPL", "name": "Apple", "reference_price": D("100.00"), "version": 1}
    return Instrument(**listed | changes)


def make_exchange(exchange_id: str = "XNYS", fee: str = "0.003") -> Exchange:
    """An exchange that charges 0.3 cents a share, as it is read."""
    return Exchange(exchange_id=exchange_id, name=exchange_id, fee_per_share=D(fee), version=1)


def make_request(**changes: Any) -> OrderRequest:
    """A DAY order to buy 100 AAPL at 100.00."""
    fields: dict[str, Any] = {
        "client_id": "alice",
        "symbol": "AAPL",
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.DAY,
        "quantity": 100,
        "limit_price": D("100.00"),
    }
    fields |= changes
    if fields["order_type"] is OrderType.MARKET:
        fields["limit_price"] = None
    return OrderRequest(**fields)


def make_received(key: str = "key-1", now: datetime = NOW, **changes: Any) -> Order:
    """The order of `make_request` as it was received."""
    request = make_request(**changes)
    return order_entry.receive(request, key, f"fingerprint-{key}", f"correlation-{key}", now)


def make_order(
    *,
    client: Client | None = None,
    instrument: Instrument | None = None,
    hold_fee: str = "0.003",
    **changes: Any,
) -> Order:
    """The order of `make_request`, in status VALIDATED."""
    received = make_received(**changes)
    instrument = instrument or make_instrument()
    priced = order_entry.priced(received, client or make_client(), instrument, D(hold_fee))
    return order_entry.validated(priced, instrument, received.accepted_at)


def routed_order(*parts: tuple[str, int], **changes: Any) -> Order:
    """The order, routed to the exchanges. Without `parts`, all of it goes to XNYS."""
    order = make_order(**changes)
    return order.routed(parts or (("XNYS", order.quantity),), NOW)


def holding(order: Order, available: str = "1000000.00", credit: str = "0.00") -> Account:
    """An account with funds that holds what the order needs."""
    hold = order.hold
    account = Account(
        client_id=order.client_id,
        available=D(available),
        credit_available=D(credit),
        open_orders=(order_entry.open_order(order),),
    )
    return account.hold(hold.cash, hold.credit).count_notional(
        order.business_date, order.open_notional
    )


def make_execution(
    order: Order, quantity: int, price: str, child: int = 1, **changes: Any
) -> VenueExecution:
    """A fill of the order's n-th child."""
    fields: dict[str, Any] = {
        "exchange_id": order.children[child - 1].exchange_id,
        "execution_id": f"exec-{child}-{order.filled_quantity}",
        "client_order_id": identifiers.child_order_id(order.order_id, child),
        "quantity": quantity,
        "price": D(price),
        "executed_at": NOW,
    }
    return VenueExecution(**fields | changes)


def owned(order: Order, quantity: int, cost: str = "0.00") -> Position:
    """A position of that many shares. If the order is a sale, the position holds the order's
    shares.
    """
    position = Position(
        client_id=order.client_id, symbol=order.symbol, available=quantity, cost_basis=D(cost)
    )
    return position.hold(order.hold.shares)
