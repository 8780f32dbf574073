"""What clients send."""

from decimal import Decimal
from typing import Self

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.config import JsonDict, JsonValue

from trading.adapters.http.amounts import DECIMAL_FORMS, Price
from trading.domain.orders.order import OrderRequest
from trading.domain.orders.replacement import Replacement
from trading.domain.values import Frozen, OrderType, Side, TimeInForce

SYMBOL = r"^[A-Z][A-Z0-9.]{0,11}$"


def _carries(order_type: OrderType) -> dict[str, bool]:
    """Whether an order of a type names this price; if not, it must not."""
    return {"price": order_type.has_limit, "stop_price": order_type.has_stop}


def _times_in_force(order_type: OrderType) -> list[TimeInForce]:
    """A stop order rests until it is elected."""
    return [each for each in TimeInForce if each.rests or not order_type.has_stop]


def _form(order_type: OrderType) -> JsonDict:
    """What an order of a type carries, as JSON Schema."""
    carries = _carries(order_type)
    properties: JsonDict = {
        name: DECIMAL_FORMS if carried else {"type": "null"} for name, carried in carries.items()
    }
    properties["order_type"] = {"enum": [order_type.value]}
    properties["time_in_force"] = {"enum": [each.value for each in _times_in_force(order_type)]}
    required: list[JsonValue] = [name for name, carried in carries.items() if carried]
    return {"properties": properties, "required": required}


def _example(order_type: OrderType) -> JsonDict:
    """A sale of some shares, or one that ends a loss."""
    order: JsonDict = {"client_id": "alice", "stock_symbol": "AAPL", "quantity": 10, "side": "sell"}
    order |= {"order_type": order_type.value, "time_in_force": "DAY"}
    order |= {"stop_price": "215.00"} if order_type.has_stop else {}
    return order | (
        {"price": "214.50" if order_type.has_stop else "230.00"} if order_type.has_limit else {}
    )


class NewOrder(Frozen):
    """An order as a client writes it. A limit order carries a price, a stop order a stop price, a
    stop-limit order both, a market order none. A stop order stands for the day or till canceled.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [_form(each) for each in OrderType],
            "examples": [*map(_example, OrderType)],
        }
    )

    client_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    stock_symbol: str = Field(pattern=SYMBOL)
    quantity: int = Field(gt=0, le=1_000_000_000, strict=True)
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
        """The same in the words of the domain."""
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
    """What is to change of an order; what is left out stays. `quantity` is its total, with what is
    filled of it.
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

    quantity: int | None = Field(default=None, gt=0, le=1_000_000_000, strict=True)
    price: Price | None = None
    stop_price: Price | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.quantity is None and self.price is None and self.stop_price is None:
            raise ValueError("name a quantity, a price or a stop price")
        return self

    def wanted(self) -> Replacement:
        """The same in the words of the domain."""
        return Replacement(
            quantity=self.quantity, limit_price=self.price, stop_price=self.stop_price
        )
