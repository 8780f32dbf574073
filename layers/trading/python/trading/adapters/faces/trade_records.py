"""Orders, balance and portfolio in the vocabulary of the `/api/v1/trade` routes and of
`/api/v1/place-trade`.

A "trade" here is an order everywhere else, executed or not. Amounts are JSON numbers here, exact up
to 15 digits.
"""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from trading.adapters.http import amounts
from trading.adapters.http.fields import Name, Quantity, Symbol
from trading.domain.accounts.balances import Balances
from trading.domain.accounts.valuation import Portfolio
from trading.domain.orders.order import Order
from trading.domain.orders.order_request import OrderRequest
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Frozen, OrderType, Side, TimeInForce, Timestamp, cents

TAGS = ["Trade records"]


def _no_text(value: object) -> object:
    if isinstance(value, str):
        raise ValueError("a price is a number here, for instance 187.50")
    return value


Number = Annotated[
    Decimal, PlainSerializer(float, return_type=float), WithJsonSchema({"type": "number"})
]
Price = Annotated[
    amounts.Price,
    BeforeValidator(_no_text),
    WithJsonSchema(
        {
            "type": "number",
            "minimum": 0.0001,
            "exclusiveMaximum": 10_000_000,
            "description": "With four decimals at most.",
        }
    ),
]


class Request(Frozen):
    """Base of the requests, with names in camel case only: a field has one name."""

    model_config = ConfigDict(alias_generator=to_camel)


class Record(Request):
    """Base of the records, with names in camel case."""

    model_config = ConfigDict(populate_by_name=True)


class TradeRequest(Request):
    """A trade to place for the day. Without a `pricePerShare` it executes at the market, else at
    that price or better.
    """

    user_id: Name | None = None
    stock_symbol: Symbol
    quantity: Quantity
    price_per_share: Price | None = None
    trade_type: Side

    def order(self, client_id: str) -> OrderRequest:
        """The order to place. `client_id` is its owner if the request names none."""
        return OrderRequest(
            client_id=self.user_id or client_id,
            symbol=self.stock_symbol,
            side=self.trade_type,
            order_type=OrderType.MARKET if self.price_per_share is None else OrderType.LIMIT,
            time_in_force=TimeInForce.DAY,
            quantity=self.quantity,
            limit_price=self.price_per_share,
        )


class MarketTradeRequest(Request):
    """A trade to place at the market."""

    customer_id: Name | None = None
    stock_ticker: Symbol
    type: Side
    quantity: Quantity

    def order(self, client_id: str) -> OrderRequest:
        """The order to place. `client_id` is its owner if the request names none."""
        return OrderRequest(
            client_id=self.customer_id or client_id,
            symbol=self.stock_ticker,
            side=self.type,
            order_type=OrderType.MARKET,
            time_in_force=TimeInForce.DAY,
            quantity=self.quantity,
        )


class TradeStatus(StrEnum):
    """The status of a trade. A trade that was rejected, canceled or expired is `canceled`, unless a
    part of it was executed.
    """

    PENDING = "pending"
    EXECUTED = "executed"
    PARTIALLY_EXECUTED = "partiallyExecuted"
    CANCELED = "canceled"


_NOTHING_EXECUTED = {OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED}


def _trade_status(order: Order) -> TradeStatus:
    if order.filled_quantity:
        whole = order.filled_quantity == order.quantity
        return TradeStatus.EXECUTED if whole else TradeStatus.PARTIALLY_EXECUTED
    return TradeStatus.CANCELED if order.status in _NOTHING_EXECUTED else TradeStatus.PENDING


class TradeRecord(Record):
    """A trade.

    Once something is executed, `pricePerShare` is its average price and `totalPrice` its amount,
    without fees. Before that, both follow from the limit price and are null for a market order.
    """

    trade_id: str
    user_id: str
    stock_symbol: str
    quantity: int
    price_per_share: Number | None
    total_price: Number | None
    trade_type: Side
    status: TradeStatus
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, order: Order) -> Self:
        asked = None if order.limit_price is None else cents(order.limit_price * order.quantity)
        return cls(
            trade_id=order.order_id,
            user_id=order.client_id,
            stock_symbol=order.symbol,
            quantity=order.quantity,
            price_per_share=order.average_price or order.limit_price,
            total_price=order.filled_notional if order.filled_quantity else asked,
            trade_type=order.side,
            status=_trade_status(order),
            created_at=order.accepted_at,
            updated_at=order.history[-1].time,
        )


class TradeHistory(Record):
    """Trades that are over, newest first. A page with a `nextCursor` may have another page after
    it, even if `items` is short or empty.
    """

    items: tuple[TradeRecord, ...]
    next_cursor: str | None

    @classmethod
    def of(cls, orders: Iterable[Order], next_cursor: str | None) -> Self:
        return cls(items=tuple(map(TradeRecord.of, orders)), next_cursor=next_cursor)


class PlacedTradeStatus(StrEnum):
    """How far a trade is. `executed` means that it is at an exchange. `filled` means that it is
    over and that something was executed.
    """

    PLACED = "placed"
    EXECUTED = "executed"
    FILLED = "filled"
    REJECTED = "rejected"


_AT_AN_EXCHANGE = {OrderStatus.ROUTING, OrderStatus.PARTIALLY_FILLED}


def _placed_status(order: Order) -> PlacedTradeStatus:
    if order.status in _AT_AN_EXCHANGE:
        return PlacedTradeStatus.EXECUTED
    if order.filled_quantity:
        return PlacedTradeStatus.FILLED
    return (
        PlacedTradeStatus.REJECTED
        if order.status in _NOTHING_EXECUTED
        else PlacedTradeStatus.PLACED
    )


class PlacedTrade(Record):
    """A trade as PlaceTrade answers it. `reason` says why it was rejected, and is empty while
    nothing is decided.
    """

    order_id: str
    stock_ticker: str
    type: Side
    quantity: int
    status: PlacedTradeStatus
    reason: str
    created_at: Timestamp

    @classmethod
    def of(cls, order: Order) -> Self:
        status = _placed_status(order)
        completed = status is PlacedTradeStatus.FILLED and order.filled_quantity == order.quantity
        return cls(
            order_id=order.order_id,
            stock_ticker=order.symbol,
            type=order.side,
            quantity=order.quantity,
            status=status,
            reason="Trade Completed" if completed else order.status_reason or "",
            created_at=order.accepted_at,
        )


class BalanceRecord(Record):
    """A client's cash. `totalBalance` includes the proceeds of sales that are not settled yet."""

    user_id: str
    available_balance: Number
    held_for_trades: Number
    total_balance: Number

    @classmethod
    def of(cls, client_id: str, balances: Balances) -> Self:
        return cls(
            user_id=client_id,
            available_balance=balances.available,
            held_for_trades=balances.held_for_orders,
            total_balance=balances.total,
        )


class HoldingRecord(Record):
    """Shares of one symbol, and their average cost with fees."""

    stock_symbol: str
    quantity: int
    average_purchase_price: Number


class PortfolioRecord(Record):
    """What a client holds. `totalValue` is the value of all holdings at the last prices, without
    cash.
    """

    user_id: str
    holdings: tuple[HoldingRecord, ...]
    total_value: Number

    @classmethod
    def of(cls, client_id: str, portfolio: Portfolio) -> Self:
        return cls(
            user_id=client_id,
            holdings=tuple(
                HoldingRecord(
                    stock_symbol=held.symbol,
                    quantity=held.quantity,
                    average_purchase_price=held.average_purchase_price,
                )
                for held in portfolio.positions
                if held.average_purchase_price is not None
            ),
            total_value=portfolio.market_value,
        )
