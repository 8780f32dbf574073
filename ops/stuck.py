"""Find orders that make no progress, from the sparse indexes and never by a scan."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from infra.catalog.schedules import SETTLEMENT_CYCLE_AT
from trading.adapters.dynamodb.keys import ATTENTION_SHARDS
from trading.adapters.dynamodb.tables import TableBooks
from trading.domain.orders.attention import LOOK_AGAIN_AFTER, is_neglected
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.order_times import expires_at, is_waiting
from trading.domain.reference import calendars
from trading.domain.values import iso
from trading.usecases.ports import Clock
from trading.usecases.posttrade.settlement_cycle import PlanSettlement

SETTLEMENT_TAKES = timedelta(hours=1)
"""An obligation is late when its settlement cycle began longer ago than this."""
AT_A_TIME = 8


class Step(StrEnum):
    """The step that a stuck order waits at."""

    NOT_ROUTED = "accepted, not routed"
    SILENT = "routed, exchange silent"
    NOT_ENDED = "to be ended, exchange silent"
    NOT_SWEPT = "resting, not swept"
    NOT_CLEARED = "ended, not cleared"
    NOT_SETTLED = "cleared, overdue for settlement"
    IN_REVIEW = "flagged for review"


@dataclass(frozen=True)
class Stuck:
    """A stuck order.
    `since`: its last progress, or the time at which its trade was due to settle.
    """

    order_id: str
    client_id: str
    step: Step
    status: str
    since: datetime
    detail: str


@dataclass(frozen=True)
class StuckOrders:
    """Finds stuck orders."""

    books: TableBooks
    clock: Clock

    def find(self, older_than: timedelta, limit: int) -> tuple[list[Stuck], bool]:
        """Return stuck orders, oldest first, and whether all orders were looked at.

        Orders that are flagged for review or late to settle count at any age.
        """
        now = self.clock()
        # What the sweeper has just pushed is listed as due in a minute.
        listed = self.books.orders_due(now + LOOK_AGAIN_AFTER, limit)
        flagged = self.books.orders_in_review(limit)
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            orders = [
                order
                for order in pool.map(self.books.order, dict.fromkeys([*listed, *flagged]))
                if order
            ]
        stuck = [s for order in orders if (s := self._judge(order, now, older_than))] + list(
            self._unsettled(now)
        )
        complete = max(len(listed), len(flagged)) < limit // ATTENTION_SHARDS
        return sorted(stuck, key=lambda s: s.since), complete

    def _judge(self, order: Order, now: datetime, older_than: timedelta) -> Stuck | None:
        since = max(order.history[-1].time, order.release_at or order.accepted_at)
        step, detail = (
            self._step(order, now, older_than) if now - since >= older_than else (None, "")
        )
        if order.review_reason is not None:
            detail = f"{order.review_reason} ({step})" if step else order.review_reason
            step = Step.IN_REVIEW
        if step is None:
            return None
        return Stuck(order.order_id, order.client_id, step, order.status, since, detail)

    def _step(self, order: Order, now: datetime, older_than: timedelta) -> tuple[Step | None, str]:
        if order.awaits_clearing:
            return Step.NOT_CLEARED, f"{len(order.trades)} trades"
        if not order.is_open:
            return None, ""
        if order.status is OrderStatus.VALIDATED:
            instrument = self.books.instrument(order.symbol)
            if instrument is not None and is_waiting(order, instrument, now):
                return None, ""
            return Step.NOT_ROUTED, _next_start(order)
        at = (
            ", ".join(f"{child.exchange_id} {child.leaves}" for child in order.live_children)
            or "no exchange"
        )
        if order.ending is not None or expires_at(order) <= now:
            return Step.NOT_ENDED, f"live at {at}"
        if not order.venue_time_in_force.rests:
            return Step.SILENT, f"live at {at}"
        if is_neglected(order, now, older_than):
            return Step.NOT_SWEPT, f"live at {at}"
        return None, ""

    def _unsettled(self, now: datetime) -> Iterator[Stuck]:
        day = last_settled_day(now)
        plan = PlanSettlement(self.books, self.clock)
        cursor: str | None = None
        while True:
            page = plan(day, cursor)
            for client in page.clients:
                for owed in self.books.obligations(client.client_id, day):
                    detail = (
                        f"{owed.side} {owed.quantity} {owed.symbol} against {owed.amount} "
                        f"{owed.currency}, trade {owed.trade_id}"
                    )
                    since = cycle_of(owed.settlement_date)
                    yield Stuck(
                        owed.order_id, owed.client_id, Step.NOT_SETTLED, "CLEARED", since, detail
                    )
            cursor = page.cursor
            if cursor is None:
                return


def _next_start(order: Order) -> str:
    """When the sweeper starts the workflow of an accepted order again."""
    at = order.attention_at
    return "the sweeper does not know it" if at is None else f"workflow starts again {iso(at)}"


def cycle_of(day: date) -> datetime:
    """Return when the settlement cycle of a day begins."""
    return datetime.combine(day, SETTLEMENT_CYCLE_AT, calendars.NEW_YORK)


def last_settled_day(now: datetime) -> date:
    """Return the latest settlement day whose settlements should all be done by now."""
    day = calendars.date_in_new_york(now)
    while not calendars.is_settlement_day(day) or cycle_of(day) + SETTLEMENT_TAKES > now:
        day -= timedelta(days=1)
    return day


def counted(stuck: Sequence[Stuck]) -> dict[str, int]:
    """Count the orders at each step."""
    return {step: n for step in Step if (n := sum(s.step is step for s in stuck))}
