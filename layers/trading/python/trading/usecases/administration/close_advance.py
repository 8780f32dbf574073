"""Closing an advance of the error account: the client pays back, or the broker writes off."""

from dataclasses import dataclass
from typing import Protocol

from trading.domain.accounts import advances
from trading.domain.accounts.advances import AdvanceClosedError, Closure
from trading.domain.ledger import ClosedAdvance, EntryKind, Reversal
from trading.usecases.administration.operator_actions import AuditTrail, Operator, announced
from trading.usecases.ports import Accounts, Clock, LedgerIndex, NotFoundError, UnitOfWork
from trading.usecases.retrying import on_fresh_state


class AdvanceBooks(Accounts, LedgerIndex, UnitOfWork, Protocol):
    """Everything that the close of an advance reads and writes."""


@dataclass(frozen=True)
class CloseAdvance:
    """Writes account, position and ledger entry in one transaction.

    The entry has the id of the reversal, so an advance is closed once.
    """

    books: AdvanceBooks
    audit: AuditTrail
    clock: Clock

    def __call__(
        self, trade_id: str, closure: Closure, operator: Operator
    ) -> tuple[ClosedAdvance, bool]:
        """Close the advance of a reversal. The answer says whether it was closed before.

        Raises NotFoundError, AdvanceClosedError, ExceedsAdvanceError, NotWithdrawableError,
        LoanNotCoveredError.
        """
        details = {name: str(value) for name, value in closure}
        with announced(
            self.audit,
            operator,
            f"advance/{trade_id}",
            "close advance",
            "closed advance",
            **details,
        ):
            return self._once(trade_id, closure)

    @on_fresh_state
    def _once(self, trade_id: str, closure: Closure) -> tuple[ClosedAdvance, bool]:
        kinds = (EntryKind.REVERSAL, EntryKind.CLOSED_ADVANCE)
        entries = self.books.entries_at((trade_id, kind) for kind in kinds)
        reversal = next((each for each in entries if isinstance(each, Reversal)), None)
        if reversal is None or not (reversal.advanced_cash or reversal.advanced_shares):
            raise NotFoundError("There is no such advance.", field="trade_id")
        known = next((each for each in entries if isinstance(each, ClosedAdvance)), None)
        if known is not None:
            if not closure.is_of(known):
                raise AdvanceClosedError(known)
            return known, True
        result = advances.close_advance(
            reversal,
            closure,
            self.books.account(reversal.client_id),
            self.books.position(reversal.client_id, reversal.symbol),
            self.clock(),
        )
        self.books.commit(result.account, result.position, result.entry)
        return result.entry, False
