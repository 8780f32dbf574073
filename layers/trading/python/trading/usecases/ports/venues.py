"""The outside world: exchanges and the depository."""

from datetime import date
from decimal import Decimal
from typing import Protocol

from trading.wire import (
    ConfirmationPage,
    ConsolidatedQuote,
    OrderState,
    SettlementConfirmation,
    SettlementInstruction,
    SubmitOrder,
)


class Exchanges(Protocol):
    """The exchanges. Every call may raise OutcomeUnknownError; `submit` also NotAcceptedError."""

    def submit(self, exchange_id: str, order: SubmitOrder) -> OrderState: ...
    def cancel(self, exchange_id: str, client_order_id: str) -> OrderState: ...
    def status(self, exchange_id: str, client_order_id: str) -> OrderState | None: ...
    def quotes(self, symbol: str) -> ConsolidatedQuote: ...


class VenueHealth(Protocol):
    """How well the exchanges work."""

    def scores(self) -> dict[str, Decimal]:
        """The execution quality of each exchange so far, from 0 to 1."""
        ...

    def suspended(self) -> frozenset[str]:
        """The exchanges whose circuit is open."""
        ...

    def observe(self, exchange_id: str, outcome: Decimal) -> None: ...


class Depository(Protocol):
    """The CSD. Every call may raise OutcomeUnknownError; `instruct` also InstructionRefusedError.

    An instruction may be repeated.
    """

    def instruct(self, instruction: SettlementInstruction) -> SettlementConfirmation: ...
    def confirmations(self, settlement_date: date, cursor: str | None) -> ConfirmationPage: ...
