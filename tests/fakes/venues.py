"""The outside world in memory: exchanges that a test scripts, a depository, and the health of the
exchanges.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal

from tests.fakes.faults import Faults, faulty
from trading.domain.accounts.valuation import LastPrice
from trading.usecases.ports import Clock, NotAcceptedError, OutcomeUnknownError
from trading.usecases.posttrade.reconcile_settlement import Compared
from trading.wire import (
    Bust,
    ConfirmationPage,
    ConfirmationStatus,
    ConsolidatedQuote,
    ExecType,
    Execution,
    ExecutionReport,
    OrderState,
    SettlementConfirmation,
    SettlementInstruction,
    SubmitOrder,
    VenueOrderStatus,
    VenueQuote,
)

ENDINGS = {
    ExecType.CANCELED: VenueOrderStatus.CANCELED,
    ExecType.REJECTED: VenueOrderStatus.REJECTED,
    ExecType.EXPIRED: VenueOrderStatus.EXPIRED,
}
Conduct = Callable[["ScriptedExchanges", str, SubmitOrder], None]


class ScriptedExchanges:
    """The port `Exchanges`. A test makes executions with `fill` and `end`, or with `conduct`, which
    runs when an order first arrives. Reports collect in `outbox`. An exchange in `down` accepts
    nothing and answers nothing. An exchange in `refusing` accepts nothing. A cancel of an unknown
    order is remembered, so that the order cannot arrive later.
    """

    port = "exchanges"

    def __init__(self, clock: Clock, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.clock = clock
        self.orders: dict[str, tuple[str, SubmitOrder]] = {}
        self.states: dict[str, OrderState] = {}
        self.arrived: list[str] = []
        self.outbox: list[ExecutionReport] = []
        self.displayed: dict[str, tuple[VenueQuote, ...]] = {}
        self.down: set[str] = set()
        self.refusing: set[str] = set()
        self.peaks: dict[str, int] = {}
        self.conduct: Conduct | None = None

    @faulty
    def submit(self, exchange_id: str, order: SubmitOrder) -> OrderState:
        if exchange_id in self.down:
            raise NotAcceptedError(f"{exchange_id} is down")
        known = self.states.get(order.client_order_id)
        if exchange_id in self.refusing or (known and order.client_order_id not in self.orders):
            raise NotAcceptedError(f"{exchange_id} refuses")
        if known is not None:
            return known
        self.arrived.append(order.client_order_id)
        self.orders[order.client_order_id] = (exchange_id, order)
        acknowledged = _state(exchange_id, order.client_order_id, order.quantity)
        self.states[order.client_order_id] = acknowledged
        if self.conduct:
            self.conduct(self, exchange_id, order)
        return acknowledged

    @faulty
    def cancel(self, exchange_id: str, client_order_id: str) -> OrderState:
        if exchange_id in self.down:
            raise OutcomeUnknownError(f"{exchange_id} is down")
        state = self.states.get(client_order_id) or _state(exchange_id, client_order_id, 0)
        if not state.status.is_final:
            state = state.model_copy(
                update={"status": VenueOrderStatus.CANCELED, "leaves_quantity": 0}
            )
        self.states[client_order_id] = state
        return state

    @faulty
    def status(self, exchange_id: str, client_order_id: str) -> OrderState | None:
        if exchange_id in self.down:
            raise OutcomeUnknownError(f"{exchange_id} is down")
        return self.states.get(client_order_id)

    @faulty
    def quotes(self, symbol: str) -> ConsolidatedQuote:
        return ConsolidatedQuote(
            symbol=symbol, as_of=self.clock(), quotes=self.displayed.get(symbol, ())
        )

    def fill(self, client_order_id: str, quantity: int, price: str) -> ExecutionReport:
        """Execute a part of the order. Answers the report."""
        state = self.states[client_order_id]
        number = len(state.executions) + 1
        done = Execution(
            execution_id=f"{client_order_id}-{number}",
            quantity=quantity,
            price=Decimal(price),
            transact_time=self.clock(),
        )
        cumulative = state.cumulative_quantity + quantity
        filled = cumulative == state.quantity
        return self._report(
            client_order_id,
            state.model_copy(
                update={
                    "status": VenueOrderStatus.FILLED
                    if filled
                    else VenueOrderStatus.PARTIALLY_FILLED,
                    "cumulative_quantity": cumulative,
                    "leaves_quantity": max(state.quantity - cumulative, 0),
                    "executions": (*state.executions, done),
                }
            ),
            ExecType.TRADE,
            done,
        )

    def correct(
        self, client_order_id: str, reference: str, quantity: int, price: str
    ) -> ExecutionReport:
        """Correct an execution. Answers the report."""
        state, was = self.states[client_order_id], self._standing(client_order_id, reference)
        peak = self.peaks.pop(reference, was)
        self.peaks[f"{reference}c"] = max(peak, quantity)
        done = Execution(
            execution_id=f"{reference}c",
            quantity=quantity,
            price=Decimal(price),
            transact_time=self.clock(),
            reference_execution_id=reference,
        )
        change = quantity - was
        corrected = state.model_copy(
            update={
                "cumulative_quantity": state.cumulative_quantity + change,
                "busted_quantity": state.busted_quantity + max(quantity - peak, 0) - change,
                "executions": (*state.executions, done),
            }
        )
        return self._report(client_order_id, corrected, ExecType.TRADE_CORRECT, done)

    def bust(self, client_order_id: str, reference: str) -> ExecutionReport:
        """Bust an execution. Answers the report."""
        state, was = self.states[client_order_id], self._standing(client_order_id, reference)
        bust = Bust(
            execution_id=f"{reference}b",
            reference_execution_id=reference,
            transact_time=self.clock(),
        )
        busted = state.model_copy(
            update={
                "cumulative_quantity": state.cumulative_quantity - was,
                "busted_quantity": state.busted_quantity + was,
                "busts": (*state.busts, bust),
            }
        )
        return self._report(client_order_id, busted, ExecType.TRADE_CANCEL, bust)

    def _standing(self, client_order_id: str, execution_id: str) -> int:
        executions = self.states[client_order_id].executions
        return next(e.quantity for e in executions if e.execution_id == execution_id)

    def end(
        self, client_order_id: str, exec_type: ExecType, reason: str = "as scripted"
    ) -> ExecutionReport:
        """End the order at the exchange. Answers the report."""
        state = self.states[client_order_id].model_copy(
            update={"status": ENDINGS[exec_type], "leaves_quantity": 0, "reason": reason}
        )
        return self._report(client_order_id, state, exec_type, None)

    def _report(
        self,
        client_order_id: str,
        state: OrderState,
        exec_type: ExecType,
        done: Execution | Bust | None,
    ) -> ExecutionReport:
        self.states[client_order_id] = state
        exchange_id, order = self.orders[client_order_id]
        report = ExecutionReport(
            exchange_id=exchange_id,
            execution_id=done.execution_id if done else f"{client_order_id}-{exec_type}",
            client_order_id=client_order_id,
            exchange_order_id=state.exchange_order_id,
            account=order.account,
            symbol=order.symbol,
            side=order.side,
            exec_type=exec_type,
            reference_execution_id=done.reference_execution_id if done else None,
            last_quantity=done.quantity if isinstance(done, Execution) else 0,
            last_price=done.price if isinstance(done, Execution) else None,
            busted_quantity=state.busted_quantity,
            cumulative_quantity=state.cumulative_quantity,
            leaves_quantity=state.leaves_quantity,
            reason=state.reason,
            transact_time=self.clock(),
            correlation_id=order.correlation_id,
        )
        self.outbox.append(report)
        return report


def _state(exchange_id: str, client_order_id: str, quantity: int) -> OrderState:
    return OrderState(
        exchange_id=exchange_id,
        client_order_id=client_order_id,
        exchange_order_id=f"{exchange_id}/{client_order_id}",
        status=VenueOrderStatus.NEW,
        quantity=quantity,
        cumulative_quantity=0,
        leaves_quantity=quantity,
    )


class MemoryHealth:
    """The port `VenueHealth`."""

    port = "health"

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.quality: dict[str, Decimal] = {}
        self.open_circuits: set[str] = set()
        self.observed: list[tuple[str, Decimal]] = []

    @faulty
    def scores(self) -> dict[str, Decimal]:
        return dict(self.quality)

    @faulty
    def suspended(self) -> frozenset[str]:
        return frozenset(self.open_circuits)

    @faulty
    def observe(self, exchange_id: str, outcome: Decimal) -> None:
        self.observed.append((exchange_id, outcome))


class MemoryLastPrices:
    """The port `LastPrices`."""

    port = "prices"

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.known: dict[str, LastPrice] = {}
        self.trades: dict[str, str] = {}

    @faulty
    def observe(self, symbol: str, price: Decimal, at: datetime, trade_id: str) -> None:
        self._note(symbol, price, at, trade_id)

    @faulty
    def correct(
        self, symbol: str, trade_id: str, at: datetime, corrected: tuple[Decimal, str] | None
    ) -> None:
        if self.trades.get(symbol) != trade_id:
            return
        del self.trades[symbol], self.known[symbol]
        if corrected is not None:
            self._note(symbol, corrected[0], at, corrected[1])

    def _note(self, symbol: str, price: Decimal, at: datetime, trade_id: str) -> None:
        self.known[symbol] = LastPrice(symbol=symbol, price=price, time=at)
        self.trades[symbol] = trade_id

    @faulty
    def latest(self, symbols: Sequence[str]) -> dict[str, LastPrice]:
        return {symbol: self.known[symbol] for symbol in symbols if symbol in self.known}

    @faulty
    def last(self, symbol: str) -> LastPrice | None:
        return self.known.get(symbol)


class MemoryComparedDates:
    """The port `ComparedDates`."""

    port = "compared"

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.recorded: Compared | None = None

    @faulty
    def last(self) -> Compared | None:
        return self.recorded

    @faulty
    def record(self, compared: Compared) -> None:
        self.recorded = compared


class MemoryDepository:
    """The port `Depository`. It settles each instruction once and confirms it as often as it is
    asked. `failing` names instructions that do not settle. `misreading` changes what a confirmation
    says.
    """

    port = "depository"

    def __init__(self, clock: Clock, faults: Faults | None = None, page_size: int = 2) -> None:
        self.faults = faults or Faults()
        self.clock = clock
        self.page_size = page_size
        self.settled: dict[str, SettlementConfirmation] = {}
        self.failing: set[str] = set()
        self.misreading: dict[str, dict[str, object]] = {}
        self.has_ends = True
        self._listed: list[tuple[str, SettlementConfirmation]] = []

    @faulty
    def instruct(self, instruction: SettlementInstruction) -> SettlementConfirmation:
        known = self.settled.get(instruction.instruction_id)
        if known and known.status is ConfirmationStatus.SETTLED:
            return known
        fails = instruction.instruction_id in self.failing
        confirmation = SettlementConfirmation(
            **instruction.model_dump(exclude={"settlement_account", "counterparty"}),
            confirmation_id=f"confirmed-{len(self.settled) + 1}",
            status=ConfirmationStatus.FAILED if fails else ConfirmationStatus.SETTLED,
            confirmed_at=self.clock(),
            reason="lack of securities" if fails else None,
        ).model_copy(update=self.misreading.get(instruction.instruction_id, {}))
        self.settled[instruction.instruction_id] = confirmation
        return confirmation

    @faulty
    def confirmations(self, settlement_date: date, cursor: str | None) -> ConfirmationPage:
        """In the order in which they were made. One that has changed is listed again, at the end.
        `has_ends`: the last page has a cursor for what comes later.
        """
        self._listed += [each for each in self.settled.items() if each not in self._listed]
        start = int(cursor or 0)
        found = [
            (number, confirmation)
            for number, (name, confirmation) in enumerate(self._listed, 1)
            if number > start
            and confirmation.settlement_date == settlement_date
            and self.settled.get(name) == confirmation
        ]
        page, rest = found[: self.page_size], found[self.page_size :]
        end = str(page[-1][0] if page else start)
        return ConfirmationPage(
            confirmations=tuple(confirmation for _, confirmation in page),
            next_cursor=end if rest else None,
            end_cursor=None if rest or not self.has_ends else end,
        )
