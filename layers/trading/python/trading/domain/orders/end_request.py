"""The request to end an order early."""

from typing import Literal

from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import EndReason
from trading.domain.values import Frozen


class Ending(Frozen):
    """A request to end an order early. The order keeps it until the exchanges have ended all of its
    children.

    asked_by: who asked for the cancel. It is None if the order's time is over or a replacement
    takes its place.
    """

    status: Literal[OrderStatus.CANCELED, OrderStatus.EXPIRED]
    reason: str
    asked_by: Literal["client", "operator"] | None = None

    @property
    def code(self) -> EndReason:
        """The reason code of an order that ends so."""
        return EndReason[self.status]

    def gives_way_to(self, wish: "Ending") -> bool:
        """An ending that nobody asked for gives way to a cancel, an operator's to the client's."""
        return self.asked_by not in (wish.asked_by, "client")


REPLACED = Ending(status=OrderStatus.CANCELED, reason="replaced")
