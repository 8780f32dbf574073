"""Orders wait for their market to open, or, if trading was halted at the open, to resume."""

from dataclasses import dataclass
from typing import Protocol

from trading.domain.orders import attention
from trading.domain.orders.order import Order
from trading.usecases.ports import Clock, ReferenceData, UnitOfWork


class HoldBooks(ReferenceData, UnitOfWork, Protocol):
    """The instruments, and the orders that wait for them."""


@dataclass(frozen=True)
class HoldForMarket:
    """Holds back an accepted order while its market is closed or halted."""

    books: HoldBooks
    clock: Clock

    def held_back(self, order: Order) -> Order | None:
        """The order as it is while it waits; None if it may go to an exchange now."""
        now = self.clock()
        instrument = self.books.instrument(order.symbol) if order.release_at else None
        return attention.held_back(order, instrument, now) if instrument else None

    def record_wait(self, order: Order, held: Order) -> None:
        """Save what waiting changes of the order, if anything."""
        if held != order:
            self.books.commit(held)
