"""The settlement cycle of a settlement day: due obligations and the depository's confirmations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol

from trading.domain import identifiers
from trading.domain.ledger import BreakCode, EntryKind, LedgerEntry, Settlement, TradeEntry
from trading.domain.posttrade import settlement
from trading.domain.reference import calendars
from trading.domain.values import Day, Frozen, Side
from trading.metrics import Metric
from trading.usecases.ports import (
    Clock,
    Depository,
    Ledger,
    Monitor,
    ObligationIndex,
    Obligations,
    OutcomeUnknownError,
    SettlementMailboxes,
    UnitOfWork,
)
from trading.usecases.posttrade.settle_obligations import NotASettlementDayError, NotDueError
from trading.wire import ConfirmationStatus, DeliveryDirection, SettlementConfirmation

CLIENTS_PER_PAGE = 2000
LOOK_BACK = timedelta(days=100)
"""Every cycle tries an obligation again for so long after its settlement date."""
RECONCILED_DAYS = 7
"""The confirmations of at least this many settlement dates are compared.

A trade that settles late is confirmed under its own settlement date. So the comparison also goes
back to the oldest date that was open after the last one, at most `LOOK_BACK`.
"""
TRADES_PER_READ = 25
SHORTEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 5, 60
QUIET_SECONDS = 360
"""A cycle stops looking when nothing has been settled for so long. A worker gives up a message
sooner, unless a slow depository makes each message go on in another one.
"""


class PlannedClient(Frozen):
    """A client with obligations due."""

    client_id: str


class Plan(Frozen):
    """A page of clients with obligations due. `cursor` names the next page, if there is one.

    `due_since`: the oldest date of the page on which something is due.
    """

    settlement_date: Day
    is_settlement_day: bool
    clients: tuple[PlannedClient, ...]
    cursor: str | None
    due_since: Day | None = None


class Progress(Frozen):
    """What the cycle knows of the mailboxes, from one look at the due obligations to the next.

    `due`: how many there were at the last look. `quiet_seconds`: for how long no obligation has
    been settled. `wait_seconds`: until the next look. `is_over`: the cycle stops looking.
    """

    due_since: Day
    due: int | None = None
    quiet_seconds: int = 0
    wait_seconds: int = SHORTEST_WAIT_SECONDS
    is_over: bool = False

    def seen(self, due: int) -> "Progress":
        """The progress after a look that found so many obligations due."""
        if due and (self.due is None or due < self.due):
            return Progress(due_since=self.due_since, due=due)
        quiet = self.quiet_seconds + self.wait_seconds
        return Progress(
            due_since=self.due_since,
            due=due,
            quiet_seconds=quiet,
            wait_seconds=min(2 * self.wait_seconds, LONGEST_WAIT_SECONDS),
            is_over=not due or quiet >= QUIET_SECONDS,
        )


class AskedPage(Frozen):
    """A page of clients that were asked to settle. `progress` is None if no page had any so far."""

    settlement_date: Day
    is_settlement_day: bool
    asked: int
    cursor: str | None
    progress: Progress | None


def check_startable(settlement_date: date | None, now: datetime) -> None:
    """Raise unless an operator may start the cycle of a date now. None stands for today.

    A cycle takes the trades that are due on its date. So the cycle of a later date would settle
    trades before they are due. Raises NotDueError and NotASettlementDayError.
    """
    today = calendars.date_in_new_york(now)
    day = settlement_date or today
    if day > today:
        raise NotDueError(f"{day} has not come: in New York it is {today}")
    try:
        settles = calendars.is_settlement_day(day)
    except calendars.CalendarRangeError as error:
        raise NotASettlementDayError(str(error)) from error
    if not settles:
        raise NotASettlementDayError(f"nothing settles on {day}: exchanges or banks are closed")


@dataclass(frozen=True)
class PlanSettlement:
    """Pages through due dates and clients.

    A client may be on two pages. The second settlement then finds nothing to do.
    """

    books: ObligationIndex
    clock: Clock

    def __call__(self, settlement_date: date | None, cursor: str | None) -> Plan:
        """The page after the cursor.

        Without a date it is today in New York. Nothing settles on a day that is no settlement day,
        for instance on Columbus Day.
        """
        day = settlement_date or calendars.date_in_new_york(self.clock())
        if not calendars.is_settlement_day(day):
            return Plan(settlement_date=day, is_settlement_day=False, clients=(), cursor=None)
        due, _, after = (cursor or (day - LOOK_BACK).isoformat()).partition("#")
        current = date.fromisoformat(due)
        position: str | None = after or None
        clients: dict[str, None] = {}
        due_since: date | None = None
        while current <= day and len(clients) < CLIENTS_PER_PAGE:
            found, position = self.books.clients_due(
                current, position, CLIENTS_PER_PAGE - len(clients)
            )
            clients |= dict.fromkeys(found)
            due_since = due_since or (current if found else None)
            if position is None:
                current += timedelta(days=1)
        following = f"{current.isoformat()}#{position or ''}" if current <= day else None
        planned = tuple(PlannedClient(client_id=client_id) for client_id in clients)
        return Plan(
            settlement_date=day,
            is_settlement_day=True,
            clients=planned,
            cursor=following,
            due_since=due_since,
        )


@dataclass(frozen=True)
class AskClients:
    """Puts a message into the mailbox of each client with obligations due.

    It can be repeated: a client that is asked twice settles once.
    """

    plan: PlanSettlement
    mailboxes: SettlementMailboxes

    def __call__(
        self,
        settlement_date: date | None,
        cursor: str | None,
        progress: Progress | None,
        correlation_id: str,
    ) -> AskedPage:
        """Ask the clients of the page after the cursor. `progress` comes from the page before.

        A client whose mailbox takes no message stops no other. Its obligations stay due.
        """
        page = self.plan(settlement_date, cursor)
        clients = [client.client_id for client in page.clients]
        refused = self.mailboxes.settle(clients, page.settlement_date, correlation_id)
        if progress is None and page.due_since:
            progress = Progress(due_since=page.due_since)
        return AskedPage(
            settlement_date=page.settlement_date,
            is_settlement_day=page.is_settlement_day,
            asked=len(clients) - len(refused),
            cursor=page.cursor,
            progress=progress,
        )


@dataclass(frozen=True)
class LookAtSettlement:
    """Tells whether the mailboxes have settled what they can.

    It reads the books, because a queue counts its messages only approximately.
    """

    books: ObligationIndex

    def __call__(self, settlement_date: date, progress: Progress) -> Progress:
        """The progress after one more look."""
        days = (settlement_date - progress.due_since).days + 1
        due = sum(
            self.books.number_due(settlement_date - timedelta(days=back)) for back in range(days)
        )
        return progress.seen(due)


class Agreement(Frozen):
    """How the depository's confirmations compare with our ledger.

    `pending`: confirmed, and still due in our books. A mailbox or the next cycle books them.
    `unsettled_clients`: clients with something still due, at most a page of each date.
    """

    settlement_date: Day
    confirmations: int
    matched: int
    pending: int
    failed: int
    breaks: int
    unsettled_clients: int


_Entries = Mapping[tuple[str, str], LedgerEntry]


class _Compared(NamedTuple):
    breaks: int
    pending: int


class SettlementCycleBooks(Ledger, Obligations, ObligationIndex, UnitOfWork, Protocol):
    """The tables that the comparison with the depository uses."""


class ComparedDates(Protocol):
    """Remembers the settlement date before which everything is settled and compared."""

    def open_since(self) -> date | None:
        """The date that the last comparison recorded. None before the first one."""
        ...

    def record(self, open_since: date) -> None: ...


@dataclass(frozen=True)
class ReconcileSettlement:
    """Compares the depository's confirmations with our ledger.

    Every one must be a settlement in our ledger, with the same shares and the same amount.
    """

    books: SettlementCycleBooks
    compared: ComparedDates
    depository: Depository
    monitor: Monitor
    clock: Clock

    def __call__(self, settlement_date: date) -> Agreement:
        """Compare. A confirmation that does not agree is counted, and recorded once as a break."""
        days = self._days_to_compare(settlement_date)
        confirmations = [c for day in days for c in self._confirmations(day)]
        settled = [c for c in confirmations if c.status is ConfirmationStatus.SETTLED]
        breaks = pending = 0
        for start in range(0, len(settled), TRADES_PER_READ):
            compared = self._compare(settled[start : start + TRADES_PER_READ])
            breaks += compared.breaks
            pending += compared.pending
        due = self._unsettled_clients(settlement_date)
        unsettled = len({client_id for clients in due.values() for client_id in clients})
        if unsettled:
            self.monitor.count(Metric.CLIENTS_UNSETTLED, clients=str(unsettled))
        self.compared.record(min(due, default=settlement_date))
        failed = len(confirmations) - len(settled)
        self.monitor.count(
            Metric.CONFIRMATIONS_RECONCILED,
            settlement_date=settlement_date.isoformat(),
            breaks=str(breaks),
        )
        return Agreement(
            settlement_date=settlement_date,
            confirmations=len(confirmations),
            matched=len(settled) - breaks - pending,
            pending=pending,
            failed=failed,
            breaks=breaks,
            unsettled_clients=unsettled,
        )

    def _confirmations(self, settlement_date: date) -> Iterator[SettlementConfirmation]:
        """All confirmations of a date.

        Raises OutcomeUnknownError if the depository gives a cursor again, so that its pages would
        never end.
        """
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            page = self.depository.confirmations(settlement_date, cursor)
            yield from page.confirmations
            cursor = page.next_cursor
            if cursor is None:
                return
            if cursor in seen:
                raise OutcomeUnknownError(f"the confirmations of {settlement_date} never end")
            seen.add(cursor)

    def _days_to_compare(self, settlement_date: date) -> list[date]:
        """The latest settlement dates, and all since the oldest that was open last time."""
        latest = settlement_date - timedelta(days=RECONCILED_DAYS - 1)
        open_since = self.compared.open_since() or latest
        first = max(min(latest, open_since), settlement_date - LOOK_BACK)
        number = (settlement_date - first).days + 1
        return [settlement_date - timedelta(days=back) for back in range(number)]

    def _unsettled_clients(self, settlement_date: date) -> dict[date, Sequence[str]]:
        """The clients with something still due, by settlement date."""
        days = (settlement_date - timedelta(days=back) for back in range(LOOK_BACK.days + 1))
        due = {day: self.books.clients_due(day, None, CLIENTS_PER_PAGE)[0] for day in days}
        return {day: clients for day, clients in due.items() if clients}

    def _compare(self, confirmations: Sequence[SettlementConfirmation]) -> _Compared:
        entries = self._entries(confirmations)
        doubtful = [c for c in confirmations if _disagreement(entries, c)]
        if not doubtful:
            return _Compared(0, 0)
        # A trade that is no longer due must be in the ledger when the ledger is read again.
        pending = [c for c in doubtful if self._is_due(entries, c)]
        entries = self._entries(doubtful)
        breaks = 0
        for confirmation in doubtful:
            reason = None if confirmation in pending else _disagreement(entries, confirmation)
            if reason is not None:
                breaks += 1
                if (_trade_id(confirmation), EntryKind.BREAK) not in entries:
                    self._record_break(confirmation, reason)
        return _Compared(breaks, len(pending))

    def _entries(self, confirmations: Sequence[SettlementConfirmation]) -> _Entries:
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


def _trade_id(confirmation: SettlementConfirmation) -> str:
    return identifiers.settled_trade_id(confirmation.instruction_id)


def _trade(entries: _Entries, trade_id: str) -> TradeEntry | None:
    """The trade of an id, or the reversal that settles by itself."""
    kind = EntryKind.REVERSAL if identifiers.is_reversal(trade_id) else EntryKind.FILL
    entry = entries.get((trade_id, kind))
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
