"""The terms of an order, as a client asks for them."""

from decimal import Decimal

from trading.domain.values import Frozen, Money, OrderType, Side, TimeInForce


class OrderRequest(Frozen):
    """The terms that a client asks for. quantity: in shares; prices: in the account's currency."""

    client_id: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: int
    limit_price: Money | None = None
    stop_price: Money | None = None

    def amended(
        self,
        quantity: int | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
    ) -> "OrderRequest":
        """Change these terms. None leaves a term as it is."""
        return self.but(
            quantity=self.quantity if quantity is None else quantity,
            limit_price=self.limit_price if limit_price is None else limit_price,
            stop_price=self.stop_price if stop_price is None else stop_price,
        )
