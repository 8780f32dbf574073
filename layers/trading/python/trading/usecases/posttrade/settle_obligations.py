"""Settlement: each due obligation is settled at the depository, delivery versus payment."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import Protocol

from pydantic import ValidationError

from trading.domain import identifiers
from trading.domain.clients.client import Client
from trading.domain.deadline import Deadline
from trading.domain.errors import PERMANENT, DomainError, ErrorCode, ErrorKind, is_transient
from trading.domain.ledger import BreakCode, EntryKind, Settlement, TradeEntry
from trading.domain.posttrade import settlement
from trading.domain.posttrade.netting import Obligation
from trading.domain.reference import calendars
from trading.domain.values import Frozen, Side
from trading.metrics import Metric
from trading.usecases.ports import (
    Accounts,
    ClientProfiles,
    Clock,
    Depository,
    Discharged,
    InstructionRefusedError,
    Ledger,
    Monitor,
    NotFoundError,
    Obligations,
    Orders,
    OutcomeUnknownError,
    UnitOfWork,
)
from trading.usecases.retrying import on_fresh_state
from trading.wire import (
    ConfirmationStatus,
    DeliveryDirection,
    SettlementConfirmation,
    SettlementInstruction,
)


class NotClearedError(DomainError):
    """The trade is not cleared yet, so there is nothing to settle."""

    code = ErrorCode.NOT_CLEARED
    kind = ErrorKind.CONFLICT


class NotDueError(DomainError):
    """The settlement date of the trade lies in the future."""

    code = ErrorCode.NOT_DUE
    kind = ErrorKind.CONFLICT


class NotASettlementDayError(DomainError):
    """Nothing settles today: the exchanges or the banks are closed."""

    code = ErrorCode.NOT_A_SETTLEMENT_DAY
    kind = ErrorKind.CONFLICT


class SettlementFailedError(DomainError):
    """The depository did not settle. The obligation stays due, and the next cycle instructs it."""

    code = ErrorCode.SETTLEMENT_FAILED
    kind = ErrorKind.UNPROCESSABLE


class SettlementBooks(Accounts, ClientProfiles, Ledger, Obligations, Orders, UnitOfWork, Protocol):
    """The tables that settlement uses."""


class Outcome(Frozen):
    """How many of a client's obligations came to which end.

    When time ran out, `stopped_after` says where to go on. An empty string means: at the start.
    """

    settled: int = 0
    failed: int = 0
    unanswered: int = 0
    stopped_after: str | None = None


class _Attempt(Enum):
    """How an obligation came out."""

    SETTLED = auto()
    FAILED = auto()
    UNANSWERED = auto()


@dataclass(frozen=True)
class SettleObligations:
    """Settles what clients have due. Every step can be repeated.

    Instructions have derived ids, and the booking has a condition of its own.
    """

    books: SettlementBooks
    depository: Depository
    monitor: Monitor
    clock: Clock

    def __call__(
        self, client_id: str, up_to: date, deadline: Deadline, after: str | None = None
    ) -> Outcome:
        """Settle what is due up to and on a date, one by one, until all is done or the deadline
        passes.

        An obligation that fails stays due and does not stop the others.
        `after`: where the message before stopped.
        Raises OutcomeUnknownError at the end if the depository left instructions without an answer.
        The caller then has to repeat the call.
        """
        client = self._client(client_id)
        attempts: Counter[_Attempt] = Counter()
        last = after or ""
        for obligation in sorted(self.books.obligations(client_id, up_to), key=_sort_key):
            if _sort_key(obligation) <= last:
                continue
            if deadline.is_over:
                return _outcome(attempts, stopped_after=last)
            last = _sort_key(obligation)
            attempts[self._attempt(obligation, client)] += 1
        if unanswered := attempts[_Attempt.UNANSWERED]:
            raise OutcomeUnknownError(
                f"the depository left {unanswered} instructions without an answer"
            )
        return _outcome(attempts)

    def settle_trade(self, trade_id: str) -> Settlement:
        """Settle one trade that is due by today in New York, and return its settlement.

        A trade that was settled before returns the settlement of then.
        Raises NotFoundError, NotClearedError, NotDueError, NotASettlementDayError,
        SettlementFailedError.
        """
        fill = self._fill(trade_id)
        done = self._settlement(trade_id)
        if done is not None:
            return done
        due = self.books.obligations_in(fill.client_id, fill.settlement_date, fill.symbol)
        obligation = next((o for o in due if o.trade_id == trade_id), None)
        if obligation is None:
            raise NotClearedError(f"trade {trade_id} is not cleared")
        today = calendars.date_in_new_york(self.clock())
        if obligation.settlement_date > today:
            raise NotDueError(f"trade {trade_id} settles on {obligation.settlement_date}")
        if not calendars.is_settlement_day(today):
            raise NotASettlementDayError(f"nothing settles on {today}")
        self._settle(obligation, self._client(fill.client_id))
        settled = self._settlement(trade_id)
        if settled is None:
            raise SettlementFailedError(f"trade {trade_id} is not settled")
        return settled

    def _attempt(self, obligation: Obligation, client: Client) -> _Attempt:
        """Settle an obligation.
        Transient errors are raised: the whole message has to come again.
        """
        try:
            self._settle(obligation, client)
        except OutcomeUnknownError as error:
            self.monitor.count(
                Metric.SETTLEMENTS_UNANSWERED, trade_id=obligation.trade_id, reason=str(error)
            )
            return _Attempt.UNANSWERED
        except (*PERMANENT, ValidationError) as error:
            if is_transient(error):
                raise
            self.monitor.count(
                Metric.SETTLEMENTS_FAILED, trade_id=obligation.trade_id, reason=str(error)
            )
            return _Attempt.FAILED
        return _Attempt.SETTLED

    def _settle(self, obligation: Obligation, client: Client) -> None:
        """Instruct the depository, and book what it confirms.

        Raises OutcomeUnknownError, SettlementFailedError.
        """
        instruction = instruction_for(obligation, client)
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
        fill = next((entry for entry in entries if isinstance(entry, TradeEntry)), None)
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
        done = settlement.settle(order, fill, account, position, confirmation, now)
        self.books.commit(
            done.settlement,
            done.account,
            done.position,
            Discharged(obligation=obligation),
            done.order,
        )
        self.monitor.count(Metric.TRADES_SETTLED)

    def _record_mismatch(
        self,
        obligation: Obligation,
        instruction: SettlementInstruction,
        confirmation: SettlementConfirmation,
    ) -> None:
        """Keep a confirmation that differs from its instruction as a break, once a trade."""
        self.monitor.count(
            Metric.BREAKS, code=BreakCode.CONFIRMATION_MISMATCH, reason=obligation.trade_id
        )
        entries = self.books.entries([obligation.trade_id])
        if any(entry.kind is EntryKind.BREAK for entry in entries):
            return
        evidence = instruction.model_dump_json(), confirmation.model_dump_json()
        self.books.commit(settlement.mismatch(obligation, *evidence, self.clock()))

    def _client(self, client_id: str) -> Client:
        client = self.books.client(client_id)
        if client is None:
            raise NotFoundError(f"no client {client_id}")
        return client

    def _fill(self, trade_id: str) -> TradeEntry:
        entries = self.books.entries([trade_id])
        fill = next((entry for entry in entries if isinstance(entry, TradeEntry)), None)
        if fill is None:
            raise NotFoundError(f"no trade {trade_id}", field="trade_id")
        return fill

    def _settlement(self, trade_id: str) -> Settlement | None:
        return next((e for e in self.books.entries([trade_id]) if isinstance(e, Settlement)), None)


def _sort_key(obligation: Obligation) -> str:
    """The oldest obligation sorts first."""
    return f"{obligation.settlement_date.isoformat()}#{obligation.symbol}#{obligation.trade_id}"


def _outcome(attempts: Counter[_Attempt], stopped_after: str | None = None) -> Outcome:
    return Outcome(
        settled=attempts[_Attempt.SETTLED],
        failed=attempts[_Attempt.FAILED],
        unanswered=attempts[_Attempt.UNANSWERED],
        stopped_after=stopped_after,
    )


def instruction_for(obligation: Obligation, client: Client) -> SettlementInstruction:
    """The instruction to the depository.
    Its id is derived from the trade, so it can be repeated.
    """
    is_buy = obligation.side is Side.BUY
    return SettlementInstruction(
        instruction_id=identifiers.settlement_id(obligation.trade_id),
        settlement_account=client.settlement_account,
        counterparty="CCP",
        direction=DeliveryDirection.RECEIVE if is_buy else DeliveryDirection.DELIVER,
        symbol=obligation.symbol,
        quantity=obligation.quantity,
        amount=obligation.amount,
        currency=obligation.currency,
        settlement_date=obligation.settlement_date,
    )


def confirms(confirmation: SettlementConfirmation, instruction: SettlementInstruction) -> bool:
    """Whether a confirmation is about exactly this delivery and payment."""
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
