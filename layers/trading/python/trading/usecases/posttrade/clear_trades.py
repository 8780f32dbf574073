"""Clearing: every trade of an order is novated to the CCP; trades and order move to CLEARED
together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trading.domain.clients.client import Client
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.ledger import Fill, Novation
from trading.domain.orders.order import Order
from trading.domain.posttrade import clearing
from trading.domain.posttrade.clearing import Obligation
from trading.metrics import Metric
from trading.usecases.ports import Books, Change, Clock, Monitor, NotFoundError
from trading.usecases.retrying import on_fresh_state

TRADES_PER_TRANSACTION = 40
"""DynamoDB takes 100 items a transaction; a trade writes two, the order one."""


class NotExecutedError(DomainError):
    """Nothing of the order is executed: there is nothing to clear yet."""

    code = ErrorCode.NOT_EXECUTED
    kind = ErrorKind.CONFLICT


@dataclass(frozen=True)
class ClearTrades:
    """Clears once: asked again it changes nothing."""

    books: Books
    monitor: Monitor
    clock: Clock

    @on_fresh_state
    def __call__(self, order_id: str) -> Order:
        """Clear the trades of an order. One that is still open keeps its status: its trades settle
        on their dates all the same.

        Raises NotFoundError, NotExecutedError.
        """
        order = self.books.order(order_id)
        if order is None:
            raise NotFoundError(f"no order {order_id}", field="order_id")
        if order.is_open and not order.trades:
            raise NotExecutedError(f"order {order_id} is {order.status}")
        if not order.is_open and not order.awaits_clearing:
            return order
        client = self.books.client(order.client_id)
        if client is None:
            raise NotFoundError(f"no client {order.client_id}")
        return self._clear(order, client)

    @on_fresh_state
    def flag(self, order_id: str, reason: str) -> None:
        """Mark an order that could not be cleared, for people to look at."""
        order = self.books.order(order_id)
        if order is not None:
            self.books.commit(order.model_copy(update={"review_reason": reason[:256]}))

    def _clear(self, order: Order, client: Client) -> Order:
        entries = self.books.entries(order.trades)
        novated = {entry.trade_id for entry in entries if isinstance(entry, Novation)}
        fills = [
            entry for entry in entries if isinstance(entry, Fill) and entry.trade_id not in novated
        ]
        known: dict[tuple[object, str], list[Obligation]] = {}
        now = self.clock()
        changes: list[Change] = []
        for fill in fills:
            key = (fill.settlement_date, fill.symbol)
            if key not in known:
                known[key] = list(
                    self.books.obligations_in(fill.client_id, fill.settlement_date, fill.symbol)
                )
            obligation = clearing.obligation_of(fill)
            known[key].append(obligation)
            net_position = clearing.net(fill.symbol, fill.settlement_date, known[key])
            changes += [clearing.novate(fill, client, net_position, now), obligation]
        return self._commit(order, changes, now)

    def _commit(self, order: Order, changes: Sequence[Change], now: datetime) -> Order:
        """An order with very many trades takes several transactions; the order itself moves with
        the last.
        """
        size = 2 * TRADES_PER_TRANSACTION
        parts = [changes[start : start + size] for start in range(0, len(changes), size)] or [()]
        for part in parts[:-1]:
            self.books.commit(*part)
        if order.is_open:
            if parts[-1]:
                self.books.commit(*parts[-1])
            return order
        cleared = order.cleared(now)
        self.books.commit(*parts[-1], cleared)
        self.monitor.count(Metric.ORDERS_CLEARED, order_id=order.order_id)
        return cleared.saved()
