"""An order in the book of an exchange, and its executions."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from trading.domain import identifiers
from trading.wire import SubmitOrder

FINAL = ("FILLED", "CANCELED", "REJECTED", "EXPIRED")


@dataclass
class Executed:
    """An execution in the exchange's books.

    A rogue execution exceeds the order, and our books must not take it for the client's.
    """

    execution_id: str
    quantity: int
    price: Decimal
    time: str
    rogue: bool = False
    corrects: str | None = None
    peak: int = 0
    is_over: bool = False
    """It was corrected or busted."""
    correction: str | None = None
    """The execution that replaced it."""

    def replaced_by(self, exchange_id: str) -> str | None:
        """The id of the trade that replaced it in our books."""
        return self.correction and identifiers.trade_id(exchange_id, self.correction)


@dataclass
class VenueOrder:
    """An order in an exchange's book."""

    order: SubmitOrder
    status: str = "NEW"
    executions: list[Executed] = field(default_factory=list)
    reason: str | None = None
    reports: int = 0
    busted: int = 0
    busts: list[dict[str, str]] = field(default_factory=list)
    rogue: bool = False
    misreported: bool = False
    acknowledged: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    """By report: the answer that says that it will never be taken."""
    events: set[str] = field(default_factory=set)
    """The ids of reports of events that no reader knows."""
    id_separator: str = "-"

    @property
    def filled(self) -> int:
        """The executed quantity that stands, without rogue executions."""
        return sum(e.quantity for e in self.executions if not e.rogue and not e.is_over)

    @property
    def cumulative(self) -> int:
        """The executed quantity that stands, with rogue executions."""
        return sum(e.quantity for e in self.executions if not e.is_over)

    @property
    def leaves(self) -> int:
        """The quantity that may still be executed."""
        return 0 if self.status in FINAL else self.order.quantity - self.filled - self.busted

    def next_id(self) -> str:
        """The id of the next report."""
        self.reports += 1
        return f"{self.order.client_order_id[-12:]}{self.id_separator}{self.reports}"

    def state(self, exchange_id: str) -> dict[str, Any]:
        """What its exchange answers about it."""
        return {
            "exchange_id": exchange_id,
            "client_order_id": self.order.client_order_id,
            "exchange_order_id": f"{exchange_id}-{self.order.client_order_id}",
            "status": self.status,
            "quantity": self.order.quantity,
            "cumulative_quantity": self.cumulative,
            "leaves_quantity": self.leaves,
            "busted_quantity": self.busted,
            "reason": self.reason,
            "busts": self.busts,
            "executions": [
                {
                    "execution_id": e.execution_id,
                    "quantity": e.quantity,
                    "price": str(e.price),
                    "transact_time": e.time,
                    "reference_execution_id": e.corrects,
                }
                for e in self.executions
            ],
        }
