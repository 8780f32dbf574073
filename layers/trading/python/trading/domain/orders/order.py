"""An order: its terms, its history, its children at the exchanges, and what it holds.

Every change of an order is a method of `Order` that returns the changed order. An order is written
under an optimistic lock; see `Versioned`.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from trading.domain.orders.child_order import ChildOrder, ChildStatus
from trading.domain.orders.end_request import REPLACED, EndRequest
from trading.domain.orders.holds import Reserve
from trading.domain.orders.order_record import OrderRecord
from trading.domain.orders.order_status import (
    FULLY_EXECUTED,
    HistoryEntry,
    IllegalTransitionError,
    OrderStatus,
    check_transition,
)
from trading.domain.orders.reasons import EndReason, OrderReason
from trading.domain.orders.venue_correction import CorrectedSums, VenueCorrection
from trading.domain.values import (
    ZERO,
    Day,
)

LONGEST_REVIEW_REASON = 256


class Order(OrderRecord):
    """An order and everything that happened to it."""

    def moved_to(
        self,
        status: OrderStatus,
        now: datetime,
        reason: str | None = None,
        *,
        by_correction: bool = False,
    ) -> "Order":
        """Make a transition and record it. Raises IllegalTransitionError."""
        check_transition(self.order_id, self.status, status, by_correction=by_correction)
        entry = HistoryEntry(status=status, time=now, reason=reason)
        return self.but(status=status, history=(*self.history, entry), reserve=None)

    # --- acceptance

    def with_hold_terms(
        self, protection_price: Decimal, hold_fee_per_share: Decimal, margin_percent: Decimal
    ) -> "Order":
        """Fix the terms that its hold is computed from."""
        return self.but(
            protection_price=protection_price,
            hold_fee_per_share=hold_fee_per_share,
            margin_percent=margin_percent,
        )

    def validated(
        self, now: datetime, release_at: datetime | None, attention_at: datetime
    ) -> "Order":
        """The terms passed the checks. `release_at`: the open that the order waits for, if any."""
        moved = self.moved_to(OrderStatus.VALIDATED, now)
        return moved.but(release_at=release_at, attention_at=attention_at)

    def in_sequence(
        self, sequence: int, previous_order_id: str | None, *, overtakes: bool, kept_apart: bool
    ) -> "Order":
        """Give it its number among the client's accepted orders."""
        return self.but(
            sequence=sequence,
            previous_order_id=previous_order_id,
            overtakes=True if overtakes else None,
            kept_apart=True if kept_apart else None,
        )

    def looked_at_next(self, attention_at: datetime) -> "Order":
        """Set when the sweeper looks at it next."""
        return self.but(attention_at=attention_at)

    def put_off_until(self, attention_at: datetime | None) -> "Order":
        """Mark that it could not be sent at its open."""
        return self.but(put_off=True, attention_at=attention_at)

    # --- replacement

    def replacing(self, order_id: str) -> "Order":
        """Make it the replacement of an order."""
        return self.but(replaces=order_id)

    def with_replacement(self, order_id: str, now: datetime) -> "Order":
        """Request its end, so that the order with this id can replace it."""
        return self.but(ending=REPLACED, replaced_by=order_id, attention_at=now)

    def waiting_with(self, terms_of: "Order", reserve: Reserve) -> "Order":
        """Give a replacement its reserve, and the hold terms of another order."""
        return self.with_hold_terms(
            terms_of.protection_price, terms_of.hold_fee_per_share, terms_of.margin_percent
        ).but(reserve=reserve)

    def for_remainder(self, quantity: int, business_date: Day) -> "Order":
        """Reduce a replacement to what the order that it replaces left over."""
        return self.but(quantity=quantity, business_date=business_date)

    # --- execution

    def routed(self, parts: tuple[tuple[str, int], ...], now: datetime) -> "Order":
        """Add a child for each (exchange id, quantity). The first route moves it to ROUTING."""
        first = len(self.children) + 1
        added = tuple(
            ChildOrder(number=number, exchange_id=exchange_id, quantity=quantity)
            for number, (exchange_id, quantity) in enumerate(parts, first)
        )
        order = (
            self
            if self.status is not OrderStatus.VALIDATED
            else self.moved_to(OrderStatus.ROUTING, now)
        )
        return order.but(children=(*self.children, *added))

    def filled(
        self,
        client_order_id: str,
        trade_id: str,
        quantity: int,
        notional: Decimal,
        fees: Decimal,
        now: datetime,
    ) -> "Order":
        """Count a fill of one child. Raises IllegalTransitionError if there is no such child."""
        child = self.child(client_order_id)
        if child is None:
            raise IllegalTransitionError(f"{self.order_id} has no child {client_order_id}")
        done = self.executed_quantity + quantity == self.quantity
        order = self._with_child(child.fill(quantity))
        if done and self.busted_quantity:
            order = order._closed_after_busts(now)
        else:
            status = OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED
            order = order.moved_to(status, now)
        return order.but(
            trades=(*self.trades, trade_id),
            filled_quantity=self.filled_quantity + quantity,
            filled_notional=self.filled_notional + notional,
            fees=self.fees + fees,
        )

    def child_ended(
        self, client_order_id: str, ending: ChildStatus, cumulative: int, reason: str | None
    ) -> "Order":
        """Record that an exchange ended a child after it executed `cumulative` shares in all.

        A child that is over stays as it is.
        """
        child = self.child(client_order_id)
        if child is None or child.status is not ChildStatus.SENT:
            return self
        return self._with_child(child.record_ending(ending, cumulative, reason))

    def execution_refused(self, client_order_id: str, quantity: int) -> "Order":
        """Record that the books refused an execution of a child.

        These shares of the child will never be filled. A child that is over stays as it is.
        """
        child = self.child(client_order_id)
        if child is None or child.status is not ChildStatus.SENT:
            return self
        return self._with_child(child.refuse_execution(quantity))

    def trade_corrected(self, change: CorrectedSums, now: datetime) -> "Order":
        """Count a correction or a bust of an execution, and record it in the history.

        An order that was executed in full and loses shares becomes CANCELED. An order that ended
        early keeps its status. Raises IllegalTransitionError if there is no such child.
        """
        child = self.child(change.client_order_id)
        if child is None:
            raise IllegalTransitionError(f"{self.order_id} has no child {change.client_order_id}")
        order = self._with_child(child.correct(change.filled, change.executed)).but(
            trades=(*self.trades, *((change.corrected_by,) if change.corrected_by else ())),
            reversed_trades=(*self.reversed_trades, change.reversed_trade),
            filled_quantity=self.filled_quantity + change.filled,
            busted_quantity=self.busted_quantity + change.executed - change.filled,
            settled_quantity=self.settled_quantity - change.settled,
            filled_notional=self.filled_notional + change.notional,
            fees=self.fees + change.fees,
        )
        order = order._with_status_after_correction(change.reason, now)
        return order if order.is_open or order.filled_quantity else order.at_rest()

    def _with_status_after_correction(self, reason: str, now: datetime) -> "Order":
        status = self.status
        if self.is_open and not self.remaining:
            if self.busted_quantity:
                return self._closed_after_busts(now)
            status = OrderStatus.FILLED
        elif self.is_open and not self.filled_quantity:
            status = OrderStatus.ROUTING
        elif status in FULLY_EXECUTED and self.filled_quantity < self.quantity:
            order = self.moved_to(OrderStatus.CANCELED, now, reason, by_correction=True)
            return order.but(reason_code=EndReason.EXECUTION_BUSTED)
        elif status is OrderStatus.SETTLED and self.settled_quantity < self.filled_quantity:
            status = OrderStatus.SETTLING
        return self.moved_to(status, now, reason, by_correction=True)

    def _closed_after_busts(self, now: datetime) -> "Order":
        """End an open order if nothing of it remains and some of its shares were busted."""
        reason = f"{self.busted_quantity} of {self.quantity} busted by the exchange"
        order = self.moved_to(OrderStatus.CANCELED, now, reason)
        return order.but(reason_code=EndReason.EXECUTION_BUSTED)

    def with_parked(self, correction: VenueCorrection, attention_at: datetime) -> "Order":
        """Keep a correction whose execution is not booked yet. The sweeper asks the exchange."""
        look = min(attention_at, self.attention_at or attention_at)
        return self.but(parked=(*self.parked, correction), attention_at=look)

    def without_parked(self, *corrections: VenueCorrection) -> "Order":
        """Drop parked corrections."""
        order = self.but(parked=tuple(each for each in self.parked if each not in corrections))
        return (
            order if order.is_open or order.is_pending or order.awaits_clearing else order.at_rest()
        )

    def _with_child(self, changed: ChildOrder) -> "Order":
        children = tuple(
            changed if child.number == changed.number else child for child in self.children
        )
        return self.but(children=children)

    # --- early ends

    def with_ending(self, ending: EndRequest, now: datetime) -> "Order":
        """Record the request to end it early. The sweeper looks at it at once."""
        order = self.but(ending=ending, attention_at=now)
        if ending.asked_by is None:
            return order
        return order.but(cancel_requested_in=self.version + 1)

    def ended(
        self,
        status: Literal[OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED],
        now: datetime,
        code: OrderReason,
        reason: str,
    ) -> "Order":
        """End it early. Its fills stay to be cleared; without fills it is at rest."""
        order = self.moved_to(status, now, reason).but(reason_code=code)
        return order if order.filled_quantity else order.at_rest()

    def withdrawn(self, ending: EndRequest, now: datetime) -> "Order":
        """Cancel a replacement that still waits."""
        return self.ended(OrderStatus.CANCELED, now, ending.code, ending.reason).but(ending=ending)

    # --- post-trade

    def cleared(self, now: datetime) -> "Order":
        """All its fills are novated. A FILLED order moves through CLEARING to CLEARED; an order
        that ended early keeps its status.
        """
        order = self
        if self.status is OrderStatus.FILLED:
            order = self.moved_to(OrderStatus.CLEARING, now).moved_to(OrderStatus.CLEARED, now)
        order = order.but(cleared_at=now).at_rest()
        return order.settled(0, now) if order.settled_quantity else order

    def settled(self, quantity: int, now: datetime) -> "Order":
        """Count shares that were delivered versus payment. The last of them make it SETTLED."""
        order = self.but(settled_quantity=self.settled_quantity + quantity)
        if order.status is OrderStatus.CLEARED:
            order = order.moved_to(OrderStatus.SETTLING, now)
        if order.status is OrderStatus.SETTLING and order.settled_quantity == order.filled_quantity:
            order = order.moved_to(OrderStatus.SETTLED, now)
        return order

    # --- attention and review

    def at_rest(self) -> "Order":
        """Take it out of the sweeper's index: nothing is due to happen that needs a push.

        Exception: an order with a parked correction stays in the index.
        """
        return self if self.parked else self.but(attention_at=None)

    def flagged_for_review(self, reason: str) -> "Order":
        """Ask an operator to look at it. The reason is cut to 256 characters."""
        return self.but(review_reason=reason[:LONGEST_REVIEW_REASON], flagged_in=self.version + 1)

    def reviewed(self) -> "Order":
        """An operator has looked at it."""
        return self.but(review_reason=None)

    def at_acceptance(self) -> "Order":
        """The order as it was when it was accepted or rejected, before any fill."""
        first = self.history[:2]
        return self.but(
            history=first,
            status=first[-1].status,
            filled_quantity=0,
            busted_quantity=0,
            filled_notional=ZERO,
        )
