"""The comparison of the depository's confirmations with our ledger, page by page.

A page is the work of one invocation. The workflow keeps the `Comparison` between two pages. A page
that is repeated counts from the same `Comparison`, and a break has a derived id. So a page that is
lost, or done twice, changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol

from pydantic import Field

from trading.domain import identifiers
from trading.domain.deadline import NEVER, Deadline
from trading.domain.ledger import BreakCode, EntryKind, LedgerEntry, Settlement, TradeEntry
from trading.domain.posttrade import settlement
from trading.domain.reference import calendars
from trading.domain.values import Day, Frozen, Side
from trading.metrics import Metric
from trading.usecases.ports import (
    Clock,
    Depository,
    Ledger,
    LedgerIndex,
    Monitor,
    ObligationIndex,
    Obligations,
    OutcomeUnknownError,
    UnitOfWork,
)
from trading.usecases.posttrade import settlement_cycle
from trading.wire import (
    ConfirmationPage,
    ConfirmationStatus,
    DeliveryDirection,
    SettlementConfirmation,
)

RECONCILED_DAYS = 7
"""What is new among the confirmations of at least this many settlement dates is compared.

A trade that settles late is confirmed under its own settlement date. So the comparison also goes
back to the oldest date that was open after the last one, at most `LOOK_BACK`.
"""
TRADES_PER_READ = 50
"""Each trade has two entries, and DynamoDB reads a hundred items in one call."""
MOST_PAGES = 2000
"""A page takes about eight events of the workflow's history, which has room for 25,000."""


class Compared(Frozen):
    """What earlier comparisons have left to the next one.

    Everything before the date `open_since` is settled and compared. `ends`: for a date, the cursor
    up to which its confirmations are compared. A date without one is compared from the beginning.
    """

    open_since: Day
    ends: dict[Day, str] = Field(default_factory=dict)

    @classmethod
    def until(cls, moment: datetime) -> "Compared":
        """All that books of that moment can have settled and compared."""
        latest = calendars.date_in_new_york(moment)
        return cls(open_since=latest - timedelta(days=RECONCILED_DAYS - 1))


class Counts(Frozen):
    """The confirmations that were compared so far.

    `pending`: confirmed, and still due in our books. A mailbox or the next cycle books them.
    """

    confirmations: int = 0
    failed: int = 0
    pending: int = 0
    breaks: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """The sums."""
        return Counts(
            confirmations=self.confirmations + other.confirmations,
            failed=self.failed + other.failed,
            pending=self.pending + other.pending,
            breaks=self.breaks + other.breaks,
        )


class Reading(Frozen):
    """Where the comparison is in the list of a date's confirmations.

    `cursor`: the next part of the list. `first_pending`: the cursor of the first part that had a
    pending confirmation, if `has_pending`. `requests` counts the parts. `mark` is the cursor of one
    of them.
    """

    cursor: str | None
    has_pending: bool = False
    first_pending: str | None = None
    requests: int = 0
    mark: str | None = None

    def passed(self, following: str | None, pending: int) -> "Reading":
        """After a part with so many pending confirmations.

        Raises OutcomeUnknownError if the depository gives a cursor again, so that the list would
        never end. To find that out, one cursor is kept. It is replaced after 1, 2, 4, 8 ... parts
        (Brent's algorithm).
        """
        if following is not None and following == self.mark:
            raise OutcomeUnknownError("the confirmations never end")
        requests = self.requests + 1
        is_first = pending > 0 and not self.has_pending
        return Reading(
            cursor=following,
            has_pending=self.has_pending or pending > 0,
            first_pending=self.cursor if is_first else self.first_pending,
            requests=requests,
            mark=following if requests.bit_count() == 1 else self.mark,
        )


class Comparison(Frozen):
    """A comparison between two of its pages.

    `days`: the dates that are left. The first one is being compared, and `reading` says how far.
    """

    days: tuple[Day, ...]
    reading: Reading
    ends: dict[Day, str]
    counts: Counts = Counts()
    pages: int = 0

    @classmethod
    def of(cls, days: Sequence[date], ends: Mapping[date, str]) -> "Comparison":
        """The beginning of the comparison of these dates."""
        return cls(days=tuple(days), reading=Reading(cursor=ends.get(days[0])), ends=dict(ends))

    def after(self, part: ConfirmationPage, counts: Counts) -> "Comparison":
        """After a part of the list of the first date.

        A date with something pending is compared again from its first part with something pending.
        """
        passed = self.reading.passed(part.next_cursor, counts.pending)
        if part.next_cursor is not None:
            return self.but(reading=passed, counts=self.counts.plus(counts))
        day, days = self.days[0], self.days[1:]
        end = passed.first_pending if passed.has_pending else part.end_cursor
        ends = {each: cursor for each, cursor in self.ends.items() if each != day}
        ends |= {day: end} if end else {}
        return self.but(
            days=days,
            reading=Reading(cursor=ends.get(days[0]) if days else None),
            ends=ends,
            counts=self.counts.plus(counts),
        )

    def paused(self) -> "Comparison":
        """At the end of a page that is not the last one. Raises OutcomeUnknownError if there are
        too many.
        """
        if self.pages == MOST_PAGES:
            raise OutcomeUnknownError(f"the confirmations did not end in {MOST_PAGES} pages")
        return self.but(pages=self.pages + 1)


class Agreement(Frozen):
    """How the depository's new confirmations compare with our ledger.

    `comparison` is what the next page needs. None: this was the last one. `unsettled_clients`:
    clients with something still due, at most 2,000. Only the last page counts them.
    """

    settlement_date: Day
    confirmations: int
    matched: int
    pending: int
    failed: int
    breaks: int
    unsettled_clients: int = 0
    comparison: Comparison | None = None

    @classmethod
    def of(
        cls,
        settlement_date: date,
        counts: Counts,
        *,
        unsettled_clients: int = 0,
        comparison: Comparison | None = None,
    ) -> "Agreement":
        """The agreement with these counts."""
        disagreeing = counts.failed + counts.pending + counts.breaks
        return cls(
            settlement_date=settlement_date,
            **counts.model_dump(),
            matched=counts.confirmations - disagreeing,
            unsettled_clients=unsettled_clients,
            comparison=comparison,
        )


_Entries = Mapping[tuple[str, str], LedgerEntry]


class _Compared(NamedTuple):
    breaks: int
    pending: int


class SettlementCycleBooks(Ledger, LedgerIndex, Obligations, ObligationIndex, UnitOfWork, Protocol):
    """The tables that the comparison with the depository uses."""


class ComparedDates(Protocol):
    """Remembers what is settled and compared."""

    def last(self) -> Compared | None:
        """What the last comparison recorded. None before the first one."""
        ...

    def record(self, compared: Compared) -> None: ...


@dataclass(frozen=True)
class ReconcileSettlement:
    """Compares the depository's new confirmations with our ledger.

    Every one must be a settlement in our ledger, with the same shares and the same amount.
    """

    books: SettlementCycleBooks
    compared: ComparedDates
    depository: Depository
    monitor: Monitor
    clock: Clock
    confirmations_per_page: int

    def __call__(
        self,
        settlement_date: date,
        comparison: Comparison | None = None,
        deadline: Deadline = NEVER,
    ) -> Agreement:
        """Compare a page. Without a `comparison` it is the first one.

        A confirmation that does not agree is counted, and recorded once as a break. A page makes
        one request at least, so a comparison always goes on.
        """
        comparison = comparison or self._begun(settlement_date)
        read = 0
        while comparison.days:
            if read and (read >= self.confirmations_per_page or deadline.is_over):
                return _paused(settlement_date, comparison)
            part = self.depository.confirmations(comparison.days[0], comparison.reading.cursor)
            comparison = comparison.after(part, self._compare_part(part.confirmations))
            read += max(1, len(part.confirmations))
        if read and deadline.is_over:
            return _paused(settlement_date, comparison)
        return self._ended(settlement_date, comparison)

    def _begun(self, settlement_date: date) -> Comparison:
        """The latest settlement dates, and all since the oldest that was open last time."""
        latest = settlement_date - timedelta(days=RECONCILED_DAYS - 1)
        last = self.compared.last() or Compared(open_since=latest)
        oldest = settlement_date - settlement_cycle.LOOK_BACK
        first = max(min(latest, last.open_since), oldest)
        number = (settlement_date - first).days + 1
        days = [settlement_date - timedelta(days=back) for back in range(number)]
        ends = {day: end for day, end in last.ends.items() if day >= oldest}
        return Comparison.of(days, ends)

    def _ended(self, settlement_date: date, comparison: Comparison) -> Agreement:
        """Record what the next comparison need not do again."""
        first = settlement_date - settlement_cycle.LOOK_BACK
        clients, _ = self.books.clients_due(
            first, settlement_date, None, settlement_cycle.CLIENTS_PER_PAGE
        )
        if clients:
            self.monitor.count(Metric.CLIENTS_UNSETTLED, clients=str(len(clients)))
        open_since = self.books.due_since(first, settlement_date) or settlement_date
        self.compared.record(Compared(open_since=open_since, ends=comparison.ends))
        self.monitor.count(
            Metric.CONFIRMATIONS_RECONCILED,
            settlement_date=settlement_date.isoformat(),
            breaks=str(comparison.counts.breaks),
        )
        return Agreement.of(settlement_date, comparison.counts, unsettled_clients=len(clients))

    def _compare_part(self, confirmations: Sequence[SettlementConfirmation]) -> Counts:
        settled = [c for c in confirmations if c.status is ConfirmationStatus.SETTLED]
        counts = Counts(confirmations=len(confirmations), failed=len(confirmations) - len(settled))
        for start in range(0, len(settled), TRADES_PER_READ):
            compared = self._compare(settled[start : start + TRADES_PER_READ])
            counts = counts.plus(Counts(pending=compared.pending, breaks=compared.breaks))
        return counts

    def _compare(self, confirmations: Sequence[SettlementConfirmation]) -> _Compared:
        entries = self._trades(confirmations)
        doubtful = [c for c in confirmations if _disagreement(entries, c)]
        if not doubtful:
            return _Compared(0, 0)
        # A trade that is no longer due must be in the ledger when the ledger is read again.
        pending = [c for c in doubtful if self._is_due(entries, c)]
        entries = self._entries(doubtful)
        recorded = {trade_id for trade_id, kind in entries if kind == EntryKind.BREAK}
        breaks = 0
        for confirmation in doubtful:
            reason = None if confirmation in pending else _disagreement(entries, confirmation)
            if reason is not None:
                breaks += 1
                if _trade_id(confirmation) not in recorded:
                    self._record_break(confirmation, reason)
                    recorded.add(_trade_id(confirmation))
        return _Compared(breaks, len(pending))

    def _trades(self, confirmations: Sequence[SettlementConfirmation]) -> _Entries:
        """The trades and their settlements."""
        keys = [
            (trade_id, kind)
            for trade_id in map(_trade_id, confirmations)
            for kind in (_trade_kind(trade_id), EntryKind.SETTLEMENT)
        ]
        return {(e.trade_id, e.kind): e for e in self.books.entries_at(keys)}

    def _entries(self, confirmations: Sequence[SettlementConfirmation]) -> _Entries:
        """Everything about the trades, with the breaks that are recorded."""
        return {
            (e.trade_id, e.kind): e
            for e in self.books.entries([_trade_id(c) for c in confirmations])
        }

    def _is_due(self, entries: _Entries, confirmation: SettlementConfirmation) -> bool:
        fill = _trade(entries, _trade_id(confirmation))
        if fill is None:
            return False
        due = self.books.obligations_in(fill.client_id, fill.settlement_date, fill.symbol)
        return any(obligation.trade_id == fill.trade_id for obligation in due)

    def _record_break(self, confirmation: SettlementConfirmation, reason: str) -> None:
        self.monitor.count(Metric.BREAKS, code=BreakCode.UNRECONCILED_CONFIRMATION, reason=reason)
        confirmed = confirmation.model_dump_json()
        self.books.commit(
            settlement.unreconciled(_trade_id(confirmation), reason, confirmed, self.clock())
        )


def _paused(settlement_date: date, comparison: Comparison) -> Agreement:
    return Agreement.of(settlement_date, comparison.counts, comparison=comparison.paused())


def _trade_id(confirmation: SettlementConfirmation) -> str:
    return identifiers.settled_trade_id(confirmation.instruction_id)


def _trade_kind(trade_id: str) -> EntryKind:
    return EntryKind.REVERSAL if identifiers.is_reversal(trade_id) else EntryKind.FILL


def _trade(entries: _Entries, trade_id: str) -> TradeEntry | None:
    """The trade of an id, or the reversal that settles by itself."""
    entry = entries.get((trade_id, _trade_kind(trade_id)))
    return entry if isinstance(entry, TradeEntry) else None


def _disagreement(entries: _Entries, confirmation: SettlementConfirmation) -> str | None:
    """What the ledger says otherwise than a confirmation of a settlement. None: nothing."""
    trade_id = _trade_id(confirmation)
    fill = _trade(entries, trade_id)
    settled = entries.get((trade_id, EntryKind.SETTLEMENT))
    if fill is None or not isinstance(settled, Settlement):
        return "the depository settled what our ledger has not"
    direction = DeliveryDirection.RECEIVE if fill.side is Side.BUY else DeliveryDirection.DELIVER
    ours = (direction, fill.symbol, fill.quantity, fill.notional, fill.currency)
    theirs = (
        confirmation.direction,
        confirmation.symbol,
        confirmation.quantity,
        confirmation.amount,
        confirmation.currency,
    )
    if ours != theirs:
        return (
            f"ours is to {direction} {fill.quantity} {fill.symbol} against {fill.notional} "
            f"{fill.currency}"
        )
    return None
