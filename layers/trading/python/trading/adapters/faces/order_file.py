"""An order as an operator sees it: the client's view, its children, its workflow, what it waits for
and its ledger entries.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Self

from trading.adapters.faces.orders import OrderView, order_view
from trading.adapters.messaging.run_log import RunFailure
from trading.domain.ledger import Break, LedgerEntry
from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.watch import watched_until
from trading.domain.values import Frozen, Timestamp


class Awaits(StrEnum):
    """What an order waits for, by its record. Whether a message is on its way is not known."""

    END_OF_REPLACED_ORDER = "the end of the order that it replaces"
    OPEN = "the open of its market"
    TRADING = "its instrument to be traded again"
    EXECUTE = "the message to execute it"
    EXCHANGES = "reports of exchanges"
    CLEAR = "the message to clear it"
    SETTLEMENT = "settlement"
    NOTHING = "nothing"


class ChildView(Frozen):
    """The part of an order that one exchange works."""

    number: int
    exchange_id: str
    quantity: int
    filled: int
    leaves: int
    status: ChildStatus
    reason: str | None


class PostingView(Frozen):
    """A signed amount of an asset, added to a ledger account."""

    account: str
    asset: str
    amount: str


class EntryView(Frozen):
    """A ledger entry. Only a BREAK has a `code` and a `reason`."""

    trade_id: str
    kind: str
    booked_at: Timestamp
    postings: tuple[PostingView, ...]
    code: str | None
    reason: str | None

    @classmethod
    def of(cls, entry: LedgerEntry) -> Self:
        return cls(
            trade_id=entry.trade_id,
            kind=entry.kind,
            booked_at=entry.booked_at,
            postings=tuple(
                PostingView(account=each.account, asset=each.asset, amount=str(each.amount))
                for each in entry.postings
            ),
            code=entry.code if isinstance(entry, Break) else None,
            reason=entry.reason if isinstance(entry, Break) else None,
        )


class WorkflowView(Frozen):
    """The runs of an order's workflow.

    The first run, if it was started, looks at the order until `looks_until` at the earliest. More
    runs are started if the order stays unsent, or ends with something to clear. `failures` has the
    runs that failed, and is null if their log cannot be read to its end.
    """

    looks_until: Timestamp
    failures: tuple[RunFailure, ...] | None


class OrderFile(Frozen):
    """An order with everything that is known of it.

    `pushed_again_at` is when the sweeper sends the next message about the order, or null if nothing
    is due. `review_reason` says why people must look at the order, for instance because a message
    about it is in a dead-letter queue. `workflow` is null if the order was never accepted.
    """

    order: OrderView
    children: tuple[ChildView, ...]
    sequence: int
    previous_order_id: str | None
    correlation_id: str
    review_reason: str | None
    awaits: Awaits
    pushed_again_at: Timestamp | None
    workflow: WorkflowView | None
    ledger_entries: tuple[EntryView, ...]

    @classmethod
    def of(
        cls,
        order: Order,
        entries: Sequence[LedgerEntry],
        failures: tuple[RunFailure, ...] | None,
        now: datetime,
    ) -> Self:
        return cls(
            order=order_view(order, entries),
            children=tuple(
                ChildView(
                    number=child.number,
                    exchange_id=child.exchange_id,
                    quantity=child.quantity,
                    filled=child.filled,
                    leaves=child.leaves,
                    status=child.outcome,
                    reason=child.reason,
                )
                for child in order.children
            ),
            sequence=order.sequence,
            previous_order_id=order.previous_order_id,
            correlation_id=order.correlation_id,
            review_reason=order.review_reason,
            awaits=_awaits(order, now),
            pushed_again_at=order.attention_at,
            workflow=_workflow(order, failures),
            ledger_entries=tuple(map(EntryView.of, entries)),
        )


def _workflow(order: Order, failures: tuple[RunFailure, ...] | None) -> WorkflowView | None:
    until = watched_until(order)
    return None if until is None else WorkflowView(looks_until=until, failures=failures)


def _awaits(order: Order, now: datetime) -> Awaits:
    if order.status is OrderStatus.RECEIVED:
        return Awaits.END_OF_REPLACED_ORDER
    if (
        order.status is OrderStatus.VALIDATED
        and order.ending is None
        and order.release_at is not None
    ):
        return (
            Awaits.OPEN
            if now < order.release_at
            else Awaits.TRADING
            if order.put_off
            else Awaits.EXECUTE
        )
    if order.is_open:
        return Awaits.EXCHANGES if order.live_children else Awaits.EXECUTE
    if order.awaits_clearing:
        return Awaits.CLEAR
    return Awaits.SETTLEMENT if order.settled_quantity < order.filled_quantity else Awaits.NOTHING
