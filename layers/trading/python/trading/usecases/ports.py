"""What the use cases need of the world. Adapters implement it over AWS and HTTP; tests over memory."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from trading.domain.accounts.cash import Account, Position
from trading.domain.accounts.valuation import LastPrice
from trading.domain.clients.client import Client
from trading.domain.errors import DomainError, ErrorKind
from trading.domain.ledger import Deposit, Fill, LedgerEntry
from trading.domain.orders.order import Order
from trading.domain.posttrade.clearing import Obligation
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import Frozen
from trading.messages import ClearOrder, ExecutionMessage, SettleClient
from trading.wire import (
    ConfirmationPage,
    ConsolidatedQuote,
    OrderState,
    SettlementConfirmation,
    SettlementInstruction,
    SubmitOrder,
)

Clock = Callable[[], datetime]


class OutOfTimeError(Exception):
    """There was no time for all of it. What was done is done; the rest is for another invocation,
    at once.
    """


class StaleError(DomainError):
    """Somebody else wrote first (a version moved on, or an item that must be new exists). Nothing
    was written; start over.
    """

    code = "CONCURRENT_UPDATE"
    kind = ErrorKind.CONFLICT

    def __init__(
        self, message: str = "the data changed while the request was handled; try again"
    ) -> None:
        super().__init__(message, retry_after_seconds=1)


class NotAcceptedError(Exception):
    """The exchange (or its open circuit) certainly did not take the order."""


class OutcomeUnknownError(Exception):
    """A call to the outside world failed so that it may or may not have had its effect."""


class InstructionRefusedError(Exception):
    """The depository does not take the instruction as it is; the same again would be refused again."""


class NotFoundError(DomainError):
    """What was named does not exist."""

    code = "NOT_FOUND"
    kind = ErrorKind.NOT_FOUND


class Discharged(Frozen):
    """In a commit: the obligation is taken off the books, if it is still there."""

    obligation: Obligation


Change = Order | Account | Position | LedgerEntry | Deposit | Obligation | Discharged
"""Versioned entities (order, account, position) are saved on the version that was read; the others
are created once.
"""


class Place(NamedTuple):
    """Where an order stands among its client's."""

    accepted_at: datetime
    order_id: str


class EntryKey(NamedTuple):
    """A ledger entry, and where it stands among its client's."""

    place: str
    trade_id: str
    kind: str


class Books(Protocol):
    """The tables. Reads are strongly consistent, but for reference data, which may be up to a
    minute old, and clients, 10 seconds.
    """

    def client(self, client_id: str) -> Client | None: ...
    def instrument(self, symbol: str) -> Instrument | None: ...
    def exchanges(self) -> Sequence[Exchange]: ...
    def account(self, client_id: str) -> Account: ...
    def position(self, client_id: str, symbol: str) -> Position: ...
    def positions(
        self, client_id: str, after: str | None = None, page_size: int | None = None
    ) -> Iterable[Position]: ...
    def order(self, order_id: str) -> Order | None: ...
    def orders(self, order_ids: Iterable[str]) -> Sequence[Order]: ...
    def orders_of(
        self, client_id: str, first: datetime, last: datetime, after: Place | None, limit: int
    ) -> tuple[Sequence[Place], bool]: ...
    def fill(self, trade_id: str) -> Fill | None: ...
    def entries(self, trade_ids: Iterable[str]) -> Sequence[LedgerEntry]: ...
    def entries_at(self, keys: Iterable[tuple[str, str]]) -> Sequence[LedgerEntry]: ...
    def movements(
        self, client_id: str, first: str, last: str, limit: int
    ) -> tuple[Sequence[EntryKey], bool]: ...
    def obligations(self, client_id: str, up_to: date) -> Sequence[Obligation]: ...
    def obligations_in(
        self, client_id: str, settlement_date: date, symbol: str
    ) -> Sequence[Obligation]: ...
    def clients_due(
        self, due: date, after: str | None, limit: int
    ) -> tuple[Sequence[str], str | None]: ...
    def orders_due(self, now: datetime, limit: int, shard: str | None = None) -> Sequence[str]: ...
    def open_order_ids(self) -> Iterable[str]: ...
    def postpone(self, order: Order, until: datetime) -> None: ...
    def save_task_token(self, order_id: str, token: str, expires: datetime) -> None: ...
    def task_token(self, order_id: str) -> str | None: ...

    def commit(self, *changes: Change) -> None:
        """Write all or nothing. Raises StaleError if anything moved on, and nothing was written."""
        ...


class Workflow(Protocol):
    """OrderLifecycle. A token that is used, expired or whose workflow is gone is answered with
    False.
    """

    def start(self, order: Order) -> bool: ...
    def succeed(self, task_token: str, output: dict[str, str]) -> bool: ...
    def fail(self, task_token: str, error: str, cause: str) -> bool: ...


class Mailboxes(Protocol):
    """The clients' mailboxes."""

    def execution(self, message: ExecutionMessage) -> None: ...
    def clearing(self, message: ClearOrder) -> None: ...
    def settlement(self, message: SettleClient) -> None: ...


class Exchanges(Protocol):
    """The venues. `submit` raises NotAcceptedError; every call OutcomeUnknownError."""

    def submit(self, exchange_id: str, order: SubmitOrder) -> OrderState: ...
    def cancel(self, exchange_id: str, client_order_id: str) -> OrderState: ...
    def status(self, exchange_id: str, client_order_id: str) -> OrderState | None: ...
    def quotes(self, symbol: str) -> ConsolidatedQuote: ...


class VenueHealth(Protocol):
    """How the exchanges are doing: execution quality so far (0 to 1), and those whose circuit is
    open.
    """

    def scores(self) -> dict[str, Decimal]: ...
    def suspended(self) -> frozenset[str]: ...
    def observe(self, exchange_id: str, outcome: Decimal) -> None: ...


class LastPrices(Protocol):
    """The latest executions' prices, shared, seconds old and dispensable: what is not known is left
    out.
    """

    def observe(self, symbol: str, price: Decimal, at: datetime) -> None: ...
    def latest(self, symbols: Sequence[str]) -> Mapping[str, LastPrice]: ...


class Depository(Protocol):
    """The CSD. Every call may raise OutcomeUnknownError; an instruction may be repeated. `instruct`
    raises InstructionRefusedError.
    """

    def instruct(self, instruction: SettlementInstruction) -> SettlementConfirmation: ...
    def confirmations(self, settlement_date: date, cursor: str | None) -> ConfirmationPage: ...


class Monitor(Protocol):
    """Metrics and log lines that operations watch."""

    def count(self, name: str, **facts: str) -> None: ...
