"""The settlement cycle of a business day: who has something due, and whether the depository's books agree with ours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from trading.domain import calendar, identifiers
from trading.domain.ledger import Break, Fill, Settlement
from trading.domain.values import Day, Frozen
from trading.usecases.ports import Books, Clock, Depository, Monitor
from trading.wire import ConfirmationStatus, SettlementConfirmation

CLIENTS_PER_PAGE = 2000
LOOK_BACK = timedelta(days=31)
"""How long an obligation that failed to settle is instructed again by every cycle."""


class PlannedClient(Frozen):
    """An item of the cycle's map."""

    client_id: str


class Plan(Frozen):
    """A page of clients with obligations due. `cursor` names the next page; null when there is none."""

    settlement_date: Day
    is_business_day: bool
    clients: tuple[PlannedClient, ...]
    cursor: str | None


@dataclass(frozen=True)
class PlanSettlement:
    """Pages through due dates and clients. A client may appear twice; settling it again finds nothing to do."""

    books: Books
    clock: Clock

    def __call__(self, settlement_date: date | None, cursor: str | None) -> Plan:
        """The page after the cursor. Without a date: today in New York; on a day without session nothing is due."""
        day = settlement_date or self.clock().astimezone(calendar.NEW_YORK).date()
        if not calendar.is_business_day(day):
            return Plan(settlement_date=day, is_business_day=False, clients=(), cursor=None)
        due, _, after = (cursor or (day - LOOK_BACK).isoformat()).partition("#")
        current = date.fromisoformat(due)
        position: str | None = after or None
        clients: dict[str, None] = {}
        while current <= day and len(clients) < CLIENTS_PER_PAGE:
            found, position = self.books.clients_due(current, position, CLIENTS_PER_PAGE - len(clients))
            clients |= dict.fromkeys(found)
            if position is None:
                current += timedelta(days=1)
        following = f"{current.isoformat()}#{position or ''}" if current <= day else None
        planned = tuple(PlannedClient(client_id=client_id) for client_id in clients)
        return Plan(settlement_date=day, is_business_day=True, clients=planned, cursor=following)


class Agreement(Frozen):
    """How the depository's confirmations of a date compare with our ledger."""

    settlement_date: Day
    confirmations: int
    matched: int
    failed: int
    breaks: int


@dataclass(frozen=True)
class ReconcileSettlement:
    """Every confirmation of the depository must be a settlement in our ledger, with the same shares and the same amount."""

    books: Books
    depository: Depository
    monitor: Monitor
    clock: Clock

    def __call__(self, settlement_date: date) -> Agreement:
        """Compare; what does not agree is kept as a break, once, and alarmed."""
        confirmations = list(self._confirmations(settlement_date))
        settled = [c for c in confirmations if c.status is ConfirmationStatus.SETTLED]
        breaks = 0
        for confirmation in settled:
            reason = self._disagreement(confirmation)
            if reason:
                breaks += 1
                self._record(confirmation, reason)
        failed = len(confirmations) - len(settled)
        self.monitor.count("ConfirmationsReconciled", settlement_date=settlement_date.isoformat(), breaks=str(breaks))
        return Agreement(
            settlement_date=settlement_date,
            confirmations=len(confirmations),
            matched=len(settled) - breaks,
            failed=failed,
            breaks=breaks,
        )

    def _confirmations(self, settlement_date: date) -> Iterator[SettlementConfirmation]:
        cursor: str | None = None
        while True:
            page = self.depository.confirmations(settlement_date, cursor)
            yield from page.confirmations
            cursor = page.next_cursor
            if cursor is None:
                return

    def _disagreement(self, confirmation: SettlementConfirmation) -> str | None:
        entries = self.books.entries([identifiers.settled_trade_id(confirmation.instruction_id)])
        fill = next((e for e in entries if isinstance(e, Fill)), None)
        settlement = next((e for e in entries if isinstance(e, Settlement)), None)
        if fill is None or settlement is None:
            return "the depository settled what our ledger has not"
        if (fill.symbol, fill.quantity, fill.notional) != (
            confirmation.symbol,
            confirmation.quantity,
            confirmation.amount,
        ):
            return f"ours is {fill.quantity} {fill.symbol} against {fill.notional}"
        return None

    def _record(self, confirmation: SettlementConfirmation, reason: str) -> None:
        trade_id = identifiers.settled_trade_id(confirmation.instruction_id)
        self.monitor.count("Breaks", code="UNRECONCILED_CONFIRMATION", reason=reason)
        if any(entry.kind == "BREAK" for entry in self.books.entries([trade_id])):
            return
        self.books.commit(
            Break(
                trade_id=trade_id,
                client_id="unknown",
                booked_at=self.clock(),
                postings=(),
                code="UNRECONCILED_CONFIRMATION",
                reason=reason,
                evidence={"confirmed": confirmation.model_dump_json()},
            )
        )
