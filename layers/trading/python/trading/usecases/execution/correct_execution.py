"""Books corrections and busts: the trade of the execution is reversed in the books."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from trading.domain import identifiers
from trading.domain.ledger import (
    Break,
    BreakCode,
    Fill,
    LedgerEntry,
    Novation,
    Reversal,
    Settlement,
    TradeEntry,
)
from trading.domain.orders import attention
from trading.domain.orders.booking import Breach
from trading.domain.orders.order import Order
from trading.domain.orders.venue_correction import VenueCorrection
from trading.domain.posttrade import corrections
from trading.domain.posttrade.correction_entries import ReversedTrade
from trading.domain.posttrade.corrections import CorrectionResult
from trading.domain.posttrade.netting import Obligation
from trading.metrics import Metric
from trading.usecases.orders.end_order import changes_of_end
from trading.usecases.ports import (
    Accounts,
    Change,
    Clock,
    Discharged,
    LastPrices,
    Ledger,
    Monitor,
    NotFoundError,
    Obligations,
    Orders,
    ReferenceData,
    UnitOfWork,
)

MOST_PARKED = 20
"""The most corrections that an order parks until their executions come."""


class CorrectionBooks(Orders, ReferenceData, Accounts, Ledger, Obligations, UnitOfWork, Protocol):
    """Everything that a correction reads and writes."""


@dataclass(frozen=True)
class CorrectExecution:
    """Books each correction and each bust once, in one transaction.

    One that comes before the execution that it refers to is parked on the order.
    """

    books: CorrectionBooks
    prices: LastPrices
    monitor: Monitor
    clock: Clock

    def __call__(self, order: Order, correction: VenueCorrection) -> Order:
        """Book a correction or a bust, and return the order afterwards.

        Raises Breach if the exchange may not correct the execution in this way.
        """
        trade_id = correction.reversed_trade_id
        if trade_id in order.reversed_trades:
            return self._again(order, correction)
        entries = self.books.entries([trade_id])
        fill = next((entry for entry in entries if isinstance(entry, Fill)), None)
        if fill is None:
            return self._unknown(order, correction, refused=bool(entries))
        if not correction.is_bust and correction.trade_id in order.trades:
            raise Breach(
                BreakCode.EXECUTION_CHANGED,
                f"{correction.execution_id} is booked, and corrects another execution now",
            )
        result = self._decide(order, correction, fill, entries)
        self._count_breaks(result)
        self._commit(result)
        self.monitor.count(Metric.EXECUTIONS_CORRECTED, trade_id=trade_id)
        self._correct_price(correction, fill)
        return result.order.saved()

    def _correct_price(self, correction: VenueCorrection, trade: TradeEntry) -> None:
        """A reversed trade does not stay the last price."""
        corrected = None if correction.is_bust else (correction.price, correction.trade_id)
        at = min(trade.executed_at, trade.booked_at)
        self.prices.correct(trade.symbol, correction.reversed_trade_id, at, corrected)

    def _decide(
        self,
        order: Order,
        correction: VenueCorrection,
        fill: Fill,
        entries: Sequence[LedgerEntry],
    ) -> CorrectionResult:
        exchange = next(
            (e for e in self.books.exchanges() if e.exchange_id == fill.exchange_id), None
        )
        instrument = self.books.instrument(fill.symbol)
        if exchange is None or instrument is None:
            raise NotFoundError(f"no reference data for {fill.exchange_id} or {fill.symbol}")
        now = self.clock()
        trade = ReversedTrade(
            fill=fill,
            novated=any(isinstance(entry, Novation) for entry in entries),
            settlement=next((e for e in entries if isinstance(e, Settlement)), None),
        )
        owed: tuple[Obligation, ...] = ()
        if trade.novated:
            date = corrections.settles_on(trade, instrument, now)
            owed = tuple(self.books.obligations_in(fill.client_id, date, fill.symbol))
        result = corrections.correct(
            order,
            correction,
            trade,
            instrument,
            exchange,
            self.books.account(order.client_id),
            self.books.position(order.client_id, order.symbol),
            owed,
            now,
        )
        return result.without_parked(correction)

    def _count_breaks(self, result: CorrectionResult) -> None:
        """Count what the error account advances. A worker that dies after the commit never comes
        here again, so this is before it.
        """
        for entry in result.entries:
            if isinstance(entry, Break):
                self.monitor.count(Metric.BREAKS, code=entry.code, reason=entry.reason)

    def _commit(self, result: CorrectionResult) -> None:
        changes: list[Change] = [*result.entries, *result.obligations]
        if result.replaced is not None:
            changes.append(Discharged(obligation=result.replaced))
        changes += changes_of_end(
            self.books, result.order, result.account, result.position, self.clock()
        )
        self.books.commit(*changes)

    def _again(self, order: Order, correction: VenueCorrection) -> Order:
        """Accept a repetition. Raises Breach if it differs from the first report.

        The worker that booked the first may have died before it took back the last price.
        """
        reversal_id = identifiers.reversal_id(correction.reversed_trade_id)
        known = [*self.books.entries([reversal_id, correction.trade_id])]
        reversal = next((entry for entry in known if isinstance(entry, Reversal)), None)
        if correction.is_bust and reversal is not None and reversal.corrected_by is None:
            self._correct_price(correction, reversal)
            return order
        booked = next((entry for entry in known if isinstance(entry, Fill)), None)
        if reversal is None or booked is None or reversal.corrected_by != booked.trade_id:
            raise Breach(
                BreakCode.EXECUTION_SUPERSEDED,
                f"{correction.reference_execution_id} is corrected or busted already",
            )
        if (booked.quantity, booked.price) != (correction.quantity, correction.price):
            raise Breach(
                BreakCode.EXECUTION_CHANGED,
                f"{correction.quantity} at {correction.price}, booked {booked.quantity} at "
                f"{booked.price}",
            )
        self._correct_price(correction, booked)
        return order

    def _unknown(self, order: Order, correction: VenueCorrection, refused: bool) -> Order:
        """Park a correction of an execution that is not booked yet.

        refused: the books refused the execution, so a bust of it changes nothing.
        """
        if refused and correction.is_bust:
            return order
        if refused or len(order.parked) >= MOST_PARKED:
            raise Breach(
                BreakCode.UNKNOWN_EXECUTION,
                f"the books do not have {correction.reference_execution_id}",
            )
        if correction in order.parked:
            return order
        look = attention.look_after_parking(self.clock())
        parked = order.with_parked(correction, look)
        self.books.commit(parked)
        self.monitor.count(Metric.CORRECTIONS_PARKED, execution_id=correction.execution_id)
        return parked.saved()
