"""Settlement: each obligation of a client that is due is settled, delivery versus payment, at the
depository.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from pydantic import ValidationError

from trading.domain import identifiers
from trading.domain.clients.client import Client
from trading.domain.errors import PERMANENT, DomainError, ErrorCode, ErrorKind, is_transient
from trading.domain.ledger import Break, BreakCode, EntryKind, Fill, Settlement
from trading.domain.posttrade.clearing import Obligation
from trading.domain.posttrade.settlement import discharge
from trading.domain.values import Frozen, Side
from trading.metrics import Metric
from trading.usecases.ports import (
    Books,
    Clock,
    Depository,
    Discharged,
    InstructionRefusedError,
    Monitor,
    NotFoundError,
    OutcomeUnknownError,
)
from trading.usecases.retrying import on_fresh_state
from trading.wire import (
    ConfirmationStatus,
    DeliveryDirection,
    SettlementConfirmation,
    SettlementInstruction,
)


class NotClearedError(DomainError):
    """The trade is not cleared: there is nothing to settle yet."""

    code = ErrorCode.NOT_CLEARED
    kind = ErrorKind.CONFLICT


class NotDueError(DomainError):
    """The trade's settlement date is not reached."""

    code = ErrorCode.NOT_DUE
    kind = ErrorKind.CONFLICT


class SettlementFailedError(DomainError):
    """The depository did not settle. The obligation stays due and is instructed again by the next
    cycle.
    """

    code = ErrorCode.SETTLEMENT_FAILED
    kind = ErrorKind.UNPROCESSABLE


class Outcome(Frozen):
    """What became of a client's obligations. When time ran out, `stopped_after` says where to go on
    (empty: at the start).
    """

    settled: int = 0
    failed: int = 0
    unanswered: int = 0
    stopped_after: str | None = None


@dataclass(frozen=True)
class SettleObligations:
    """Instructions have derived ids and the booking its own condition, so everything may happen
    again.
    """

    books: Books
    depository: Depository
    monitor: Monitor
    clock: Clock

    def __call__(
        self, client_id: str, up_to: date, time_is_up: Callable[[], bool], after: str | None = None
    ) -> Outcome:
        """Settle what is due up to and on a date, obligation by obligation, until done or out of
        time.

        One that fails, or cannot be booked, does not stop the others; it stays due. Raises
        OutcomeUnknownError at the end if the depository left any without an answer: the same again
        then. `after`: where the message before stopped.
        """
        client = self._client(client_id)
        settled = failed = unanswered = 0
        last = after or ""
        for obligation in sorted(self.books.obligations(client_id, up_to), key=_place):
            if _place(obligation) <= last:
                continue
            if time_is_up():
                return Outcome(
                    settled=settled, failed=failed, unanswered=unanswered, stopped_after=last
                )
            last = _place(obligation)
            try:
                self._settle(obligation, client)
                settled += 1
            except OutcomeUnknownError as error:
                self.monitor.count(
                    Metric.SETTLEMENTS_UNANSWERED, trade_id=obligation.trade_id, reason=str(error)
                )
                unanswered += 1
            except (*PERMANENT, ValidationError) as error:
                if is_transient(error):
                    raise
                self.monitor.count(
                    Metric.SETTLEMENTS_FAILED, trade_id=obligation.trade_id, reason=str(error)
                )
                failed += 1
        if unanswered:
            raise OutcomeUnknownError(
                f"the depository left {unanswered} instructions without an answer"
            )
        return Outcome(settled=settled, failed=failed)

    def settle_trade(self, trade_id: str, as_of: date) -> Settlement:
        """Settle one trade that is due on or before a date; one that was settled answers with its
        record.

        Raises NotFoundError, NotClearedError, NotDueError, SettlementFailedError.
        """
        fill = self._fill(trade_id)
        done = self._settlement(trade_id)
        if done is not None:
            return done
        due = self.books.obligations_in(fill.client_id, fill.settlement_date, fill.symbol)
        obligation = next((o for o in due if o.trade_id == trade_id), None)
        if obligation is None:
            raise NotClearedError(f"trade {trade_id} is not cleared")
        if obligation.settlement_date > as_of:
            raise NotDueError(f"trade {trade_id} settles on {obligation.settlement_date}")
        self._settle(obligation, self._client(fill.client_id))
        settled = self._settlement(trade_id)
        if settled is None:
            raise SettlementFailedError(f"trade {trade_id} is not settled")
        return settled

    def _settle(self, obligation: Obligation, client: Client) -> None:
        instruction = SettlementInstruction(
            instruction_id=identifiers.settlement_id(obligation.trade_id),
            settlement_account=client.settlement_account,
            counterparty="CCP",
            direction=DeliveryDirection.RECEIVE
            if obligation.side is Side.BUY
            else DeliveryDirection.DELIVER,
            symbol=obligation.symbol,
            quantity=obligation.quantity,
            amount=obligation.amount,
            currency=obligation.currency,
            settlement_date=obligation.settlement_date,
        )
        try:
            confirmation = self.depository.instruct(instruction)
        except InstructionRefusedError as error:
            raise SettlementFailedError(str(error)) from error
        if not confirms(confirmation, instruction):
            self._record_mismatch(obligation, instruction, confirmation)
            raise SettlementFailedError("the confirmation differs from the instruction")
        if confirmation.status is not ConfirmationStatus.SETTLED:
            raise SettlementFailedError(confirmation.reason or "the depository gives no reason")
        self._book(obligation, confirmation)

    @on_fresh_state
    def _book(self, obligation: Obligation, confirmation: SettlementConfirmation) -> None:
        entries = self.books.entries([obligation.trade_id])
        fill = next((entry for entry in entries if isinstance(entry, Fill)), None)
        if fill is None:
            raise NotFoundError(f"no trade {obligation.trade_id}")
        if any(isinstance(entry, Settlement) for entry in entries):
            return
        order = self.books.order(fill.order_id)
        if order is None:
            raise NotFoundError(f"no order {fill.order_id}")
        now = self.clock()
        account = self.books.account(fill.client_id)
        position = self.books.position(fill.client_id, fill.symbol)
        done = discharge(
            fill, confirmation.confirmation_id, confirmation.settlement_date, account, position, now
        )
        self.books.commit(
            done.settlement,
            *((done.account,) if done.account != account else ()),
            done.position,
            Discharged(obligation=obligation),
            order.settled(fill.quantity, now),
        )
        self.monitor.count(Metric.TRADES_SETTLED)

    def _record_mismatch(
        self,
        obligation: Obligation,
        instruction: SettlementInstruction,
        confirmation: SettlementConfirmation,
    ) -> None:
        self.monitor.count(
            Metric.BREAKS, code=BreakCode.CONFIRMATION_MISMATCH, reason=obligation.trade_id
        )
        if any(
            entry.kind is EntryKind.BREAK for entry in self.books.entries([obligation.trade_id])
        ):
            return
        self.books.commit(
            Break(
                trade_id=obligation.trade_id,
                client_id=obligation.client_id,
                order_id=obligation.order_id,
                booked_at=self.clock(),
                postings=(),
                code=BreakCode.CONFIRMATION_MISMATCH,
                reason="the depository confirmed something else than was instructed",
                evidence={
                    "instructed": instruction.model_dump_json(),
                    "confirmed": confirmation.model_dump_json(),
                },
            )
        )

    def _client(self, client_id: str) -> Client:
        client = self.books.client(client_id)
        if client is None:
            raise NotFoundError(f"no client {client_id}")
        return client

    def _fill(self, trade_id: str) -> Fill:
        fill = self.books.fill(trade_id)
        if fill is None:
            raise NotFoundError(f"no trade {trade_id}", field="trade_id")
        return fill

    def _settlement(self, trade_id: str) -> Settlement | None:
        return next((e for e in self.books.entries([trade_id]) if isinstance(e, Settlement)), None)


def _place(obligation: Obligation) -> str:
    """Oldest first."""
    return f"{obligation.settlement_date.isoformat()}#{obligation.symbol}#{obligation.trade_id}"


def confirms(confirmation: SettlementConfirmation, instruction: SettlementInstruction) -> bool:
    """Whether a confirmation is about this very delivery and payment."""
    return all(
        getattr(confirmation, name) == getattr(instruction, name)
        for name in (
            "instruction_id",
            "direction",
            "symbol",
            "quantity",
            "amount",
            "currency",
            "settlement_date",
        )
    )
