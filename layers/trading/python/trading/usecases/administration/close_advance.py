"""Closing an advance of the error account: the client pays back, or the broker writes off."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from trading.domain.accounts import advances
from trading.domain.accounts.advances import AdvanceClosedError, Closure
from trading.domain.clients.proposals import Proposal
from trading.domain.ledger import ClosedAdvance, EntryKind, LedgerEntry, Reversal
from trading.usecases.administration.operator_actions import (
    Approval,
    AuditTrail,
    Operator,
    TriedOut,
    announced,
    facts_of,
    written_with,
)
from trading.usecases.ports import Accounts, Change, Clock, NotFoundError
from trading.usecases.retrying import on_fresh_state


class AdvanceBooks(Accounts, Protocol):
    """Everything that the close of an advance reads and writes."""

    def entries_at(self, keys: Iterable[tuple[str, EntryKind]]) -> Sequence[LedgerEntry]: ...
    def commit(self, *changes: Change | Proposal) -> None: ...


@dataclass(frozen=True)
class CloseAdvance:
    """Writes account, position and ledger entry in one transaction.

    The entry has the id of the reversal, so an advance is closed once.
    """

    books: AdvanceBooks
    audit: AuditTrail
    clock: Clock

    def __call__(
        self,
        trade_id: str,
        closure: Closure,
        operator: Operator,
        approval: Approval | None = None,
    ) -> tuple[ClosedAdvance, bool]:
        """Close the advance of a reversal, and write the approval of its proposal with it. The
        answer says whether it was closed before.

        Raises NotFoundError, AdvanceClosedError, ExceedsAdvanceError, NotWithdrawableError,
        LoanNotCoveredError.
        """
        details = {name: str(value) for name, value in closure} | facts_of(approval)
        with announced(
            self.audit,
            operator,
            f"advance/{trade_id}",
            "close advance",
            "closed advance",
            **details,
        ):
            return self._once(trade_id, closure, approval)

    def try_out(self, trade_id: str, closure: Closure) -> TriedOut:
        """Raise what closing the advance now would raise."""
        _, changes = self._decide(trade_id, closure)
        return TriedOut(was_made=not changes)

    def reversal(self, trade_id: str) -> Reversal | None:
        """The reversal with this id."""
        found = self.books.entries_at([(trade_id, EntryKind.REVERSAL)])
        return next((each for each in found if isinstance(each, Reversal)), None)

    @on_fresh_state
    def _once(
        self, trade_id: str, closure: Closure, approval: Approval | None
    ) -> tuple[ClosedAdvance, bool]:
        entry, changes = self._decide(trade_id, closure)
        if written := (*changes, *written_with(approval)):
            self.books.commit(*written)
        return entry, not changes

    def _decide(self, trade_id: str, closure: Closure) -> tuple[ClosedAdvance, tuple[Change, ...]]:
        """The entry, and what to write. That is nothing if the advance was closed before."""
        kinds = (EntryKind.REVERSAL, EntryKind.CLOSED_ADVANCE)
        entries = self.books.entries_at((trade_id, kind) for kind in kinds)
        reversal = next((each for each in entries if isinstance(each, Reversal)), None)
        if reversal is None or not (reversal.advanced_cash or reversal.advanced_shares):
            raise NotFoundError("There is no such advance.", field="trade_id")
        known = next((each for each in entries if isinstance(each, ClosedAdvance)), None)
        if known is not None:
            if not closure.is_of(known):
                raise AdvanceClosedError(known)
            return known, ()
        result = advances.close_advance(
            reversal,
            closure,
            self.books.account(reversal.client_id),
            self.books.position(reversal.client_id, reversal.symbol),
            self.clock(),
        )
        return result.entry, (result.account, result.position, result.entry)
