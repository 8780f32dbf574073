"""Why an order cannot be canceled or replaced."""

from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.orders.order import Order


class OrderClosedError(DomainError):
    """The order can no longer execute, so there is nothing to cancel or to replace."""

    code = ErrorCode.ORDER_CLOSED
    kind = ErrorKind.CONFLICT

    @classmethod
    def of(cls, order: Order) -> "OrderClosedError":
        """With the order's status and the order that replaced it."""
        details = {"status": str(order.status)} | (
            {"replaced_by": order.replaced_by} if order.replaced_by else {}
        )
        return cls(f"The order is {order.status}.", details=details)


class OrderEndingError(DomainError):
    """The order is being canceled, replaced or expired already."""

    code = ErrorCode.ORDER_ENDING
    kind = ErrorKind.CONFLICT


class OrderPendingError(DomainError):
    """The order itself waits to replace another."""

    code = ErrorCode.ORDER_PENDING
    kind = ErrorKind.CONFLICT
