"""Orders in the client API: the requests, the answers and the pages of the lists."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Self

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.config import JsonDict, JsonValue

from trading.adapters.faces.trades import (
    ClearingDetail,
    ExecutionDetail,
    SettlementDetail,
    clearing_detail,
    execution_details,
    settlement_detail,
)
from trading.adapters.http import cursors
from trading.adapters.http.amounts import DECIMAL_FORMS, Price
from trading.adapters.http.cursors import ListCursors
from trading.adapters.http.fields import Name, Quantity, Symbol
from trading.domain import patterns
from trading.domain.ledger import LedgerEntry, Novation, Settlement
from trading.domain.orders.order import Order
from trading.domain.orders.order_request import OrderRequest
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.replacement import Replacement
from trading.domain.values import Frozen, Money, OrderType, Side, TimeInForce, Timestamp, iso
from trading.usecases.orders.list_orders import ListOrders, OrderFilter
from trading.usecases.ports import SortKey


def _carries(order_type: OrderType) -> dict[str, bool]:
    """The prices of an order, and whether its type requires (true) or forbids (false) each."""
    return {"price": order_type.has_limit, "stop_price": order_type.has_stop}


def _times_in_force(order_type: OrderType) -> list[TimeInForce]:
    """The times in force that a type allows. A stop order rests until its stop price is reached."""
    return [each for each in TimeInForce if each.rests or not order_type.has_stop]


def _form(order_type: OrderType) -> JsonDict:
    """The form of an order of one type, as JSON Schema."""
    carries = _carries(order_type)
    properties: JsonDict = {
        name: DECIMAL_FORMS if carried else {"type": "null"} for name, carried in carries.items()
    }
    properties["order_type"] = {"enum": [order_type.value]}
    properties["time_in_force"] = {"enum": [each.value for each in _times_in_force(order_type)]}
    required: list[JsonValue] = [name for name, carried in carries.items() if carried]
    return {"properties": properties, "required": required}


def _example(order_type: OrderType) -> JsonDict:
    """An example: a sale. With a stop price, it limits a loss."""
    order: JsonDict = {"client_id": "alice", "stock_symbol": "AAPL", "quantity": 10, "side": "sell"}
    order |= {"order_type": order_type.value, "time_in_force": "DAY"}
    order |= {"stop_price": "215.00"} if order_type.has_stop else {}
    return order | (
        {"price": "214.50" if order_type.has_stop else "230.00"} if order_type.has_limit else {}
    )


class NewOrder(Frozen):
    """A new order. A limit order has a `price`, a stop order a `stop_price`, a stop-limit order
    both and a market order neither. The time in force of a stop order is DAY or GTC.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [_form(each) for each in OrderType],
            "examples": [*map(_example, OrderType)],
        }
    )

    client_id: Name
    stock_symbol: Symbol
    quantity: Quantity
    order_type: OrderType
    side: Side
    time_in_force: TimeInForce
    price: Price | None = Field(default=None, validate_default=True)
    stop_price: Price | None = Field(default=None, validate_default=True)

    @field_validator("time_in_force")
    @classmethod
    def _time_in_force_goes_with_type(
        cls, time_in_force: TimeInForce, info: ValidationInfo
    ) -> TimeInForce:
        order_type = info.data.get("order_type")
        if order_type is not None and time_in_force not in (allowed := _times_in_force(order_type)):
            raise ValueError(f"a {order_type} order is {' or '.join(allowed)}")
        return time_in_force

    @field_validator("price", "stop_price")
    @classmethod
    def _prices_go_with_type(cls, price: Decimal | None, info: ValidationInfo) -> Decimal | None:
        order_type = info.data.get("order_type")
        if order_type is None:
            return price
        needed = _carries(order_type)[str(info.field_name)]
        name = str(info.field_name).replace("_", " ")
        if needed and price is None:
            raise ValueError(f"a {order_type} order needs a {name}")
        if not needed and price is not None:
            raise ValueError(f"a {order_type} order carries no {name}")
        return price

    def request(self) -> OrderRequest:
        """The same order in the types of the domain."""
        return OrderRequest(
            client_id=self.client_id,
            symbol=self.stock_symbol,
            side=self.side,
            order_type=self.order_type,
            time_in_force=self.time_in_force,
            quantity=self.quantity,
            limit_price=self.price,
            stop_price=self.stop_price,
        )


class OrderChanges(Frozen):
    """The terms of an order to change. Terms that are left out stay. `quantity` is the total and
    includes what is filled.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"quantity": {"type": "integer"}}, "required": ["quantity"]},
                {"properties": {"price": DECIMAL_FORMS}, "required": ["price"]},
                {"properties": {"stop_price": DECIMAL_FORMS}, "required": ["stop_price"]},
            ]
        }
    )

    quantity: Quantity | None = None
    price: Price | None = None
    stop_price: Price | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.quantity is None and self.price is None and self.stop_price is None:
            raise ValueError("name a quantity, a price or a stop price")
        return self

    def wanted(self) -> Replacement:
        """The same changes in the types of the domain."""
        return Replacement(
            quantity=self.quantity, limit_price=self.price, stop_price=self.stop_price
        )


class Reason(Frozen):
    """Why an order was rejected, or ended before it was filled."""

    code: str
    message: str


class OrderAccepted(Frozen):
    """The answer to a new order. A rejected order is kept with its `reason`. An order that
    `replaces` another is RECEIVED until the other one has ended.
    """

    order_id: str
    status: OrderStatus
    timestamp: Timestamp
    reason: Reason | None = None
    replaces: str | None = None


class StatusChange(Frozen):
    """One transition in the history of an order."""

    status: OrderStatus
    time: Timestamp
    reason: str | None


class OrderSummary(Frozen):
    """An order in its present state.

    `client_order_id` is the Idempotency-Key with which the client placed the order. `release_at` is
    the market open that the order waits for, or waited for. `cancel_requested` means that a cancel
    was requested and that the order may still execute. An order that `replaces` another is RECEIVED
    until the other one has ended. Its `quantity` then becomes the unfilled part of the other one.
    `busted_quantity` is what the exchange took away again, by busts and corrections of executions.
    """

    order_id: str
    client_order_id: str
    client_id: str
    stock_symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: int
    filled_quantity: int
    busted_quantity: int
    price: Money | None
    stop_price: Money | None
    average_price: Money | None
    fees: Money
    current_status: OrderStatus
    cancel_requested: bool
    replaces: str | None
    replaced_by: str | None
    reason: Reason | None
    accepted_at: Timestamp
    release_at: Timestamp | None
    updated_at: Timestamp


class OrdersPage(Frozen):
    """Orders, newest first. A page with a `next_cursor` may have another page after it, even if
    `items` is short or empty.
    """

    items: tuple[OrderSummary, ...]
    next_cursor: str | None

    @classmethod
    def of(cls, orders: Iterable[Order], next_cursor: str | None) -> Self:
        return cls(items=tuple(map(order_summary, orders)), next_cursor=next_cursor)


class CancelsRequested(Frozen):
    """The open orders that are being canceled. Each may still execute until its exchange confirms.
    If `more` is true, other orders are open: ask again.
    """

    order_ids: tuple[str, ...]
    more: bool


class OrderView(OrderSummary):
    """An order and everything that happened to it."""

    status_history: tuple[StatusChange, ...]
    execution_details: tuple[ExecutionDetail, ...]
    clearing_details: tuple[ClearingDetail, ...]
    settlement_details: tuple[SettlementDetail, ...]


def accepted(order: Order) -> OrderAccepted:
    """The first answer to an order, whenever it is asked for.

    It follows from the first two entries of the history, or from the first entry alone for an order
    that replaces another.
    """
    first = order.history[0 if order.replaces else 1]
    refused = first.status is OrderStatus.REJECTED
    return OrderAccepted(
        order_id=order.order_id,
        status=first.status,
        timestamp=order.accepted_at,
        reason=Reason(code=order.reason_code or "", message=first.reason or "")
        if refused
        else None,
        replaces=order.replaces,
    )


def order_summary(order: Order) -> OrderSummary:
    latest = order.history[-1]
    return OrderSummary(
        order_id=order.order_id,
        client_order_id=order.idempotency_key,
        client_id=order.client_id,
        stock_symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        busted_quantity=order.busted_quantity,
        price=order.limit_price,
        stop_price=order.stop_price,
        average_price=order.average_price,
        fees=order.fees,
        current_status=order.status,
        cancel_requested=order.is_open
        and order.ending is not None
        and order.ending.asked_by is not None,
        replaces=order.replaces,
        replaced_by=order.replaced_by,
        reason=Reason(code=order.reason_code, message=order.status_reason or "")
        if order.reason_code
        else None,
        accepted_at=order.accepted_at,
        release_at=order.release_at,
        updated_at=latest.time,
    )


def order_view(order: Order, entries: Sequence[LedgerEntry]) -> OrderView:
    """An order with the ledger entries of its trades."""
    return OrderView(
        **dict(order_summary(order)),
        status_history=tuple(
            StatusChange(status=e.status, time=e.time, reason=e.reason) for e in order.history
        ),
        execution_details=execution_details(order, entries),
        clearing_details=tuple(clearing_detail(e) for e in entries if isinstance(e, Novation)),
        settlement_details=tuple(
            settlement_detail(e) for e in entries if isinstance(e, Settlement)
        ),
    )


def page(
    find_orders: ListOrders, client_id: str, wanted: OrderFilter, limit: int, cursor: str | None
) -> tuple[list[Order], str | None]:
    """A page of orders and the cursor of the next page. Raises HttpError 400 for a cursor of
    another list.
    """
    listed = ListCursors(("orders", client_id, wanted))
    after = None if cursor is None else _sort_key(cursor, listed, wanted)
    orders, sort_key = find_orders(client_id, wanted, after, limit)
    return orders, None if sort_key is None else listed.encode(
        iso(sort_key.accepted_at), sort_key.order_id
    )


def _sort_key(cursor: str, listed: ListCursors, wanted: OrderFilter) -> SortKey:
    """The order after which the page begins. A cursor of another client or with other filters is
    refused.
    """
    accepted_at, order_id = listed.decode(cursor, 2)
    if not re.fullmatch(patterns.MOMENT, accepted_at) or not re.fullmatch(
        patterns.ORDER_ID, order_id
    ):
        raise cursors.invalid()
    try:
        sort_key = SortKey(datetime.fromisoformat(accepted_at), order_id)
    except ValueError:
        raise cursors.invalid() from None
    if not wanted.earliest <= sort_key.accepted_at <= wanted.latest:
        raise cursors.invalid()
    return sort_key
