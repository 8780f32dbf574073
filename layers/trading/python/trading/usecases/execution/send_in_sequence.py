"""A client's orders reach the exchanges in the order in which the client placed them."""

from dataclasses import dataclass
from typing import Protocol

from trading.domain.deadline import Deadline
from trading.domain.errors import PERMANENT, is_transient
from trading.domain.orders import client_sequence
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.usecases.execution.advance_order import AdvanceOrder
from trading.usecases.execution.continue_workflow import ContinueWorkflow
from trading.usecases.execution.give_up_order import GiveUpOrder
from trading.usecases.execution.hold_for_market import HoldForMarket
from trading.usecases.orders.find_order import find_order
from trading.usecases.ports import Accounts, Clock, Orders

FOLLOWED_ONE_BY_ONE = 5
"""Predecessors that are read one after another. Hardly any order has more that matter; beyond them
the account lists which orders are open.
"""


class SequenceBooks(Orders, Accounts, Protocol):
    """A client's orders, and the account that lists the open ones."""


@dataclass(frozen=True)
class SendInSequence:
    """Sends an order to the exchanges, after its unsent predecessors.

    An order that waits for its market does not hold up its successors.
    """

    books: SequenceBooks
    hold_for_market: HoldForMarket
    advance_order: AdvanceOrder
    give_up_order: GiveUpOrder
    continue_workflow: ContinueWorkflow
    clock: Clock

    def __call__(self, order_id: str, redelivered: bool, deadline: Deadline) -> None:
        """Send the order if its market is open.

        Raises NotFoundError, and OutOfTimeError if there is no time for all predecessors.
        """
        order = find_order(self.books, order_id)
        held = self.hold_for_market.held_back(order)
        if held is not None:
            self.hold_for_market.record_wait(order, held)
            return
        if order.status is OrderStatus.VALIDATED:
            for predecessor in self._unsent_predecessors(order, redelivered):
                self._send_predecessor(predecessor)
                deadline.check()
        if order.status is OrderStatus.VALIDATED or (redelivered and order.is_open):
            order = self.advance_order(order)
        self.continue_workflow(order)

    def _send_predecessor(self, order: Order) -> None:
        """Send a predecessor. If it cannot be processed, give it up, and its successor goes on."""
        try:
            self.continue_workflow(self.advance_order(order))
        except PERMANENT as error:
            if is_transient(error):
                raise
            self.give_up_order(order, f"{type(error).__name__}: {error}")

    def _unsent_predecessors(self, order: Order, redelivered: bool) -> list[Order]:
        """The orders to send before this one, oldest first.

        After a redelivery these begin with the one that a dead worker may have routed and not sent.
        """
        predecessors = self._predecessors(order)
        unsent: list[Order] = []
        for predecessor in predecessors:
            if predecessor.status is not OrderStatus.VALIDATED:
                continue
            held = self.hold_for_market.held_back(predecessor)
            if held is None:
                unsent.append(predecessor)
            else:
                self.hold_for_market.record_wait(predecessor, held)
        if redelivered:
            in_doubt = client_sequence.possibly_unsent(predecessors, self.clock())
            if in_doubt is not None:
                unsent.append(in_doubt)
        return unsent[::-1]

    def _predecessors(self, order: Order) -> list[Order]:
        """The client's earlier orders, newest first, as far back as one may be unsent."""
        found: list[Order] = []
        current = order
        while current.previous_order_id:
            if order.put_off or len(found) == FOLLOWED_ONE_BY_ONE:
                listed = self.books.account(order.client_id).open_orders
                open_orders = self.books.orders(each.order_id for each in listed)
                return client_sequence.accepted_before(order, open_orders)
            current = find_order(self.books, current.previous_order_id)
            found.append(current)
            if client_sequence.ends_search(order, current):
                break
        return found
