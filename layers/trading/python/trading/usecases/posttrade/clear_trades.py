"""Clearing: every trade of an order is novated to the CCP.

The trades and the order move to CLEARED together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from trading.domain.clients.client import Client
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.ledger import Fill
from trading.domain.orders.order import Order
from trading.domain.posttrade import clearing
from trading.domain.posttrade.clearing import ClearingResult
from trading.domain.posttrade.netting import Obligation
from trading.metrics import Metric
from trading.usecases.ports import (
    Change,
    ClientProfiles,
    Clock,
    Ledger,
    Monitor,
    NotFoundError,
    Obligations,
    Orders,
    UnitOfWork,
)
from trading.usecases.retrying import on_fresh_state

TRADES_PER_TRANSACTION = 40
"""DynamoDB takes 100 items a transaction. A trade writes two items, the order one."""


class NotExecutedError(DomainError):
    """Nothing of the order is executed yet, so there is nothing to clear."""

    code = ErrorCode.NOT_EXECUTED
    kind = ErrorKind.CONFLICT


class ClearingBooks(Orders, ClientProfiles, Ledger, Obligations, UnitOfWork, Protocol):
    """The tables that clearing uses."""


@dataclass(frozen=True)
class ClearTrades:
    """Clears the trades of an order. Clearing an order again changes nothing."""

    books: ClearingBooks
    monitor: Monitor
    clock: Clock

    @on_fresh_state
    def __call__(self, order_id: str) -> Order:
        """Clear the trades of an order, and return the order afterwards.

        An open order keeps its status. Its trades settle on their dates all the same.
        Raises NotFoundError, NotExecutedError.
        """
        order = self.books.order(order_id)
        if order is None:
            raise NotFoundError(f"no order {order_id}", field="order_id")
        if order.is_open and not order.trades:
            raise NotExecutedError(f"order {order_id} is {order.status}")
        if not order.is_open and not order.awaits_clearing:
            return order
        client = self._client(order.client_id)
        fills = clearing.unnovated(order, self.books.entries(order.trades))
        now = self.clock()
        obligations = self._obligations(fills)
        return self._commit(order, clearing.clear(order, client, fills, obligations, now))

    @on_fresh_state
    def flag(self, order_id: str, reason: str) -> None:
        """Flag an order that could not be cleared for review by people."""
        order = self.books.order(order_id)
        if order is not None:
            self.books.commit(order.flagged_for_review(reason))

    def _obligations(self, fills: Sequence[Fill]) -> list[Obligation]:
        """The clients' obligations in the trades' symbols on their settlement dates."""
        wanted = dict.fromkeys((f.client_id, f.settlement_date, f.symbol) for f in fills)
        return [known for key in wanted for known in self.books.obligations_in(*key)]

    def _commit(self, order: Order, result: ClearingResult) -> Order:
        """Write what clearing changes, and return the order afterwards.

        An order with very many trades takes several transactions. The order moves with the last.
        Each of them writes the order, so it clears no trade that a correction reverses meanwhile.
        """
        changes = [each for trade in result.trades for each in (trade.novation, trade.obligation)]
        size = 2 * TRADES_PER_TRANSACTION
        starts = range(0, len(changes), size)
        parts: list[Sequence[Change]] = [changes[start : start + size] for start in starts] or [()]
        cleared = result.order
        for part in parts[:-1]:
            self.books.commit(*part, order)
            order, cleared = order.saved(), cleared and cleared.saved()
        if cleared is None:
            if not parts[-1]:
                return order
            self.books.commit(*parts[-1], order)
            return order.saved()
        self.books.commit(*parts[-1], cleared)
        self.monitor.count(Metric.ORDERS_CLEARED, order_id=order.order_id)
        return cleared.saved()

    def _client(self, client_id: str) -> Client:
        client = self.books.client(client_id)
        if client is None:
            raise NotFoundError(f"no client {client_id}")
        return client
