"""Inputs of the simulators' unit tests."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from simulators.behaviour import ExchangeBehaviour
from simulators.dice import Dice
from simulators.exchange import BookedOrder, accept
from simulators.market import Listing
from trading.domain.values import Side, TimeInForce
from trading.wire import SubmitOrder, VenueQuote

NOW = datetime(2026, 1, 5, 15, 0, 30, tzinfo=UTC)
DICE = Dice("test")
APPLE = Listing(symbol="AAPL", reference_price=Decimal("228.50"))
QUOTE = VenueQuote(
    exchange_id="XNYS", bid=Decimal("228.40"), bid_size=1000, ask=Decimal("228.50"), ask_size=1000
)
FAULTLESS = ExchangeBehaviour(
    reject_rate=Decimal(0),
    partial_rate=Decimal(0),
    duplicate_rate=Decimal(0),
    late_rate=Decimal(0),
    out_of_order_rate=Decimal(0),
    silence_rate=Decimal(0),
    down_rate=Decimal(0),
)


def submit_order(**changes: Any) -> SubmitOrder:
    """A day order to buy 100 AAPL at 230.00."""
    fields: dict[str, Any] = {
        "client_order_id": "ord_1-1",
        "account": "client-1",
        "symbol": "AAPL",
        "side": Side.BUY,
        "quantity": 100,
        "limit_price": Decimal("230.00"),
        "time_in_force": TimeInForce.DAY,
        "callback_url": "https://api.example/v1/api/v1/exchange/callbacks",
        "correlation_id": "corr-1",
    }
    return SubmitOrder(**{**fields, **changes})


def booked_order(**changes: Any) -> BookedOrder:
    """The order of `submit_order`, accepted by XNYS."""
    return accept("XNYS", submit_order(**changes), NOW)
