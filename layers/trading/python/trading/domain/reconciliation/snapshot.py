"""What the reconciliation reads: the entities of the books."""

from collections.abc import Iterable
from itertools import chain

from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.ledger import (
    Break,
    ClosedAdvance,
    Deposit,
    Fill,
    LedgerEntry,
    Novation,
    Reversal,
    Settlement,
    Withdrawal,
)
from trading.domain.orders.order import Order
from trading.domain.posttrade.netting import Obligation
from trading.domain.reconciliation.findings import Finding
from trading.domain.values import Frozen

Entity = Account | Position | Obligation | Order | LedgerEntry


class Snapshot(Frozen):
    """All entities of the books at a moment at which nothing changes.

    unreadable: what a reader found wrong with entities that it could not read. expect_final: the
    day is over, so no order is open except GTC orders.
    """

    accounts: tuple[Account, ...]
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]
    entries: tuple[LedgerEntry, ...]
    obligations: tuple[Obligation, ...]
    unreadable: tuple[Finding, ...] = ()
    expect_final: bool = False

    @classmethod
    def of(cls, entities: Iterable[Entity | Finding], *, expect_final: bool = False) -> "Snapshot":
        """Sort what a reader found by type."""
        found = tuple(entities)
        return cls(
            accounts=tuple(e for e in found if isinstance(e, Account)),
            positions=tuple(e for e in found if isinstance(e, Position)),
            orders=tuple(e for e in found if isinstance(e, Order)),
            entries=tuple(
                e
                for e in found
                if isinstance(
                    e,
                    Fill
                    | Reversal
                    | Novation
                    | Settlement
                    | Deposit
                    | Withdrawal
                    | ClosedAdvance
                    | Break,
                )
            ),
            obligations=tuple(e for e in found if isinstance(e, Obligation)),
            unreadable=tuple(e for e in found if isinstance(e, Finding)),
            expect_final=expect_final,
        )

    def entities(self) -> Iterable[Entity | Finding]:
        return chain(
            self.accounts,
            self.positions,
            self.obligations,
            self.orders,
            self.entries,
            self.unreadable,
        )
