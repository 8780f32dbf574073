"""The request to end an order early."""

from typing import Literal

from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import EndReason
from trading.domain.values import Frozen

RANKS = (None, "operator", "client")
"""Who may ask for an end, by rank. None: nobody asked."""


class EndRequest(Frozen):
    """A request to end an order early. The order keeps it until the exchanges have ended all of its
    children.

    status: how the order is to end. reason: the sentence that its history gets. asked_by: who asked
    for the cancel; None if the order's time is over or a replacement takes its place.
    """

    status: Literal[OrderStatus.CANCELED, OrderStatus.EXPIRED]
    reason: str
    asked_by: Literal["client", "operator"] | None = None

    @property
    def code(self) -> EndReason:
        """The reason code of an order that ends so."""
        return EndReason[self.status]

    def is_outranked_by(self, request: "EndRequest") -> bool:
        """Whether another request replaces this one.

        The client's request outranks an operator's, which outranks one that nobody made.
        """
        return RANKS.index(self.asked_by) < RANKS.index(request.asked_by)


REPLACED = EndRequest(status=OrderStatus.CANCELED, reason="replaced")
