"""The ten invariants, checked over the books entity by entity."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import NamedTuple

from trading.domain import identifiers, ledger
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.ledger import Break, Fill, LedgerEntry, Reversal, Settlement, TradeEntry
from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import FINAL, OrderStatus, is_legal_path
from trading.domain.orders.order_times import expires_at
from trading.domain.posttrade.netting import Obligation
from trading.domain.reconciliation import comparisons
from trading.domain.reconciliation.comparisons import (
    ClientSums,
    overtaken_orders,
    unequal_sides,
)
from trading.domain.reconciliation.findings import Finding
from trading.domain.reconciliation.snapshot import Entity, Snapshot
from trading.domain.reference import calendars
from trading.domain.values import ZERO, Side, TimeInForce

COMMITTED_WITHIN = timedelta(minutes=2)
"""The longest time between the time that an entity states and its commit. It covers the difference
of the workers' clocks and the age of a stale read.
"""
ORDER_IS_LATE_AFTER = timedelta(days=1)
SETTLEMENT_IS_LATE_AFTER = timedelta(days=5)
"""Long enough that a settlement cycle that failed before a long weekend was repeated."""


def check(snapshot: Snapshot) -> list[Finding]:
    """All violations of all invariants, and all breaks. Empty if the books are right."""
    reconciliation = Reconciliation(expect_final=snapshot.expect_final)
    for entity in snapshot.entities():
        reconciliation.add(entity)
    breaks = (
        Finding(invariant=5, subject=entry.trade_id, message=f"break {entry.code}: {entry.reason}")
        for entry in reconciliation.breaks
    )
    return sorted(chain(reconciliation.findings(), breaks), key=lambda f: (f.invariant, f.subject))


class UnsettledTrade(NamedTuple):
    """What an unsettled trade adds to its client's balances. shares: signed, bought is positive."""

    client_id: str
    symbol: str
    shares: int
    receivable: int
    proceeds: Decimal


class Reconciliation:
    """Adds the books up, entity by entity and in any order, and compares the sums.

    began: when the reader began, if the books change while they are read; None if they do not. The
    reader reads accounts first, then orders, then the ledger. Every change writes its time into the
    history of an order or into a ledger entry. So a client with a time as new as `began` may have
    been read half changed: it is `in_motion` and not judged. Late orders and late settlements are
    judged by `began` too. expect_final: every order must be final and settled, except open GTC
    orders.
    wrong: findings about a single entity, for which no other entity is needed.
    """

    def __init__(self, *, began: datetime | None = None, expect_final: bool = False) -> None:
        self.wrong: list[Finding] = []
        self.breaks: list[Break] = []
        self.in_motion: set[str] = set()
        self._began = began
        self._moving_since = began and began - COMMITTED_WITHIN
        self._expect_final = expect_final
        self._clients: dict[str, ClientSums] = defaultdict(ClientSums)
        self._unbalanced: list[tuple[str, str]] = []
        self._due: dict[str, UnsettledTrade] = {}
        self._settled_first: set[str] = set()
        self._ccp: dict[tuple[str, str, str, str], Decimal] = {}

    def add(self, entity: Entity | Finding) -> None:
        """Add an entity, or the finding about an entity that the reader could not read."""
        match entity:
            case Account():
                self._account(entity)
            case Position():
                self._position(entity)
            case Obligation():
                self._obligation(entity)
            case Order():
                self._order(entity)
            case Finding():
                self.wrong.append(entity)
            case _:
                self._entry(entity)

    def findings(self) -> Iterator[Finding]:
        """All violations. Call it after all entities were added."""
        yield from self.wrong
        currencies = {client.currency for client in self._clients.values()}
        for asset, message in self._unbalanced:
            yield Finding(invariant=1 if asset in currencies else 2, subject=asset, message=message)
        for client_id, client in self._clients.items():
            if client_id not in self.in_motion:
                yield from unequal_sides(client_id, client, currencies)
                yield from overtaken_orders(client)
        for (client_id, trade_id, account, asset), amount in self._ccp.items():
            if client_id not in self.in_motion:
                yield Finding(
                    invariant=9,
                    subject=f"{account}/{asset}",
                    message=f"off by {amount} for {trade_id}",
                )

    def _wrong(self, invariant: int, subject: str, message: str) -> None:
        self.wrong.append(Finding(invariant=invariant, subject=subject, message=message))

    def _moved(self, client_id: str, moment: datetime) -> None:
        if self._moving_since is not None and moment >= self._moving_since:
            self.in_motion.add(client_id)

    def _account(self, account: Account) -> None:
        client = self._clients[account.client_id]
        client.currency = account.currency
        client.sides[comparisons.BOOKED, account.currency].stated = account.total
        client.sides[comparisons.LENT, ""].stated = account.credit_used
        client.sides[comparisons.CASH_HELD, ""].stated = account.held
        client.sides[comparisons.CREDIT_HELD, ""].stated = account.credit_held
        client.sides[comparisons.PROCEEDS_DUE, ""].stated = (
            account.unsettled + account.unsettled_used
        )
        for order_id in account.open_order_ids:
            client.sides[comparisons.OPEN, order_id].stated = 1
        for name in (
            "available",
            "held",
            "unsettled",
            "unsettled_used",
            "credit_held",
            "credit_used",
        ):
            if getattr(account, name) < 0:
                self._wrong(3, account.client_id, f"{name} is {getattr(account, name)}")
        if account.unsettled_used and account.available:
            self._wrong(
                3,
                account.client_id,
                f"{account.unsettled_used} unsettled used, {account.available} available",
            )

    def _position(self, position: Position) -> None:
        sides = self._clients[position.client_id].sides
        sides[comparisons.BOOKED, position.symbol].stated = position.quantity
        sides[comparisons.SHARES_HELD, position.symbol].stated = position.held
        sides[comparisons.SHARES_DUE, position.symbol].stated = position.unsettled
        sides[comparisons.RECEIVABLE, position.symbol].stated = position.receivable
        subject = f"{position.client_id}/{position.symbol}"
        if position.available < 0 or position.held < 0:
            self._wrong(3, subject, f"available is {position.available}, held is {position.held}")
        if position.quantity < 0:
            self._wrong(4, subject, f"position is {position.quantity}")

    def _obligation(self, owed: Obligation) -> None:
        account = ledger.ccp_account(owed.settlement_date)
        self._owe(
            owed.client_id, owed.trade_id, account, owed.symbol, Decimal(owed.signed_quantity)
        )
        self._owe(owed.client_id, owed.trade_id, account, owed.currency, owed.signed_amount)
        if self._began is not None:
            today = calendars.date_in_new_york(self._began)
            if owed.settlement_date + SETTLEMENT_IS_LATE_AFTER < today:
                self._wrong(
                    7,
                    owed.order_id,
                    f"{owed.trade_id} was due on {owed.settlement_date}, is not settled",
                )

    def _owe(
        self, client_id: str, trade_id: str, account: str, asset: str, amount: Decimal
    ) -> None:
        """Add to the difference between the obligation of a trade and the CCP's accounts.

        The difference must be zero.
        """
        key = (client_id, trade_id, account, asset)
        total = self._ccp.pop(key, Decimal(0)) + amount
        if total:
            self._ccp[key] = total

    def _order(self, order: Order) -> None:
        if order.history:
            self._moved(order.client_id, order.history[-1].time)
        client, hold = self._clients[order.client_id], order.hold
        for comparison, name, held in (
            (comparisons.CASH_HELD, "", hold.cash),
            (comparisons.CREDIT_HELD, "", hold.credit),
            (comparisons.SHARES_HELD, order.symbol, hold.shares),
        ):
            if held:
                client.sides[comparison, name].derived += held
        if order.is_open or order.is_pending:
            client.sides[comparisons.OPEN, order.order_id].derived += 1
        if order.filled_quantity:
            client.sides[comparisons.FILLED, order.order_id].stated = order.filled_quantity
        routed_at = next((e.time for e in order.history if e.status is OrderStatus.ROUTING), None)
        if order.sequence and routed_at is not None and not order.put_off:
            client.routed[order.release_at].append((order.sequence, routed_at, order.order_id))
        self._quantities(order)
        self._end(order)
        self._path(order)

    def _quantities(self, order: Order) -> None:
        if order.filled_quantity > order.quantity:
            self._wrong(5, order.order_id, f"filled {order.filled_quantity} of {order.quantity}")
        if order.settled_quantity > order.filled_quantity:
            self._wrong(
                5,
                order.order_id,
                f"settled {order.settled_quantity} of {order.filled_quantity} filled",
            )

    def _end(self, order: Order) -> None:
        if self._expect_final and not (order.is_open and order.time_in_force is TimeInForce.GTC):
            if order.status not in FINAL:
                self._wrong(7, order.order_id, f"still {order.status}")
            elif order.settled_quantity != order.filled_quantity:
                self._wrong(
                    7,
                    order.order_id,
                    f"settled {order.settled_quantity} of {order.filled_quantity} filled",
                )
        if self._began is None:
            return
        late = self._began - ORDER_IS_LATE_AFTER
        if order.is_open and expires_at(order) <= late:
            self._wrong(
                7,
                order.order_id,
                f"still {order.status}, was to end at {expires_at(order).isoformat()}",
            )
        if order.is_pending and order.accepted_at <= late:
            self._wrong(
                7,
                order.order_id,
                f"waits to replace {order.replaces} since {order.accepted_at.isoformat()}",
            )
        if order.awaits_clearing and order.history and order.history[-1].time <= late:
            self._wrong(
                7,
                order.order_id,
                f"{order.status} and not cleared since {order.history[-1].time.isoformat()}",
            )

    def _path(self, order: Order) -> None:
        if not is_legal_path(order.history) or order.history[-1].status is not order.status:
            path = " ".join(entry.status for entry in order.history)
            self._wrong(10, order.order_id, f"status {order.status} after {path}")
        stray = [
            c.number for c in order.children if c.status is ChildStatus.SENT and not order.is_open
        ]
        if stray:
            self._wrong(10, order.order_id, f"{order.status} with live children {stray}")

    def _entry(self, entry: LedgerEntry) -> None:
        self._moved(entry.client_id, entry.booked_at)
        for asset, amount in ledger.imbalance(entry.postings).items():
            self._unbalanced.append(
                (asset, f"{entry.kind} of {entry.trade_id} sums to {amount}, not to zero")
            )
        for posting in entry.postings:
            kind, _, owner = posting.account.partition(":")
            if kind == "client":
                self._clients[owner].sides[
                    comparisons.BOOKED, posting.asset
                ].derived += posting.amount
            elif kind == "ccp":
                trade_id = _cleared_as(entry)
                self._owe(entry.client_id, trade_id, posting.account, posting.asset, posting.amount)
        match entry:
            case Fill():
                self._fill(entry)
            case Reversal():
                self._reversal(entry)
            case Settlement():
                self._clients[entry.client_id].sides[
                    comparisons.LENT, ""
                ].derived -= entry.loan_repaid
                if entry.trade_id in self._due:
                    self._expect(self._due.pop(entry.trade_id), -1)
                else:
                    self._settled_first.add(entry.trade_id)
            case Break():
                self.breaks.append(entry)

    def _fill(self, fill: Fill) -> None:
        execution = f"{fill.exchange_id}/{fill.execution_id}"
        if fill.trade_id != identifiers.trade_id(fill.exchange_id, fill.execution_id):
            self._wrong(6, execution, f"booked as {fill.trade_id}, so perhaps twice")
        sides = self._clients[fill.client_id].sides
        sides[comparisons.FILLED, fill.order_id].derived += fill.quantity
        sides[comparisons.LENT, ""].derived += fill.drawn
        self._is_due(fill)

    def _reversal(self, reversal: Reversal) -> None:
        if reversal.trade_id != identifiers.reversal_id(reversal.reverses):
            self._wrong(6, reversal.reverses, f"reversed as {reversal.trade_id}, so perhaps twice")
        sides = self._clients[reversal.client_id].sides
        sides[comparisons.FILLED, reversal.order_id].derived -= reversal.quantity
        sides[comparisons.LENT, ""].derived += reversal.drawn
        if reversal.settles:
            self._is_due(reversal)
        else:
            self._expect(_due_of(reversal, takes_back=True), 1)

    def _is_due(self, trade: TradeEntry) -> None:
        if trade.trade_id in self._settled_first:
            self._settled_first.remove(trade.trade_id)
            return
        self._due[trade.trade_id] = due = _due_of(trade)
        self._expect(due, 1)

    def _expect(self, due: UnsettledTrade, sign: int) -> None:
        """Add an unsettled trade to what its client's balances must state. sign: −1 removes it."""
        sides = self._clients[due.client_id].sides
        sides[comparisons.SHARES_DUE, due.symbol].derived += sign * due.shares
        sides[comparisons.RECEIVABLE, due.symbol].derived += sign * due.receivable
        sides[comparisons.PROCEEDS_DUE, ""].derived += sign * due.proceeds


def _cleared_as(entry: LedgerEntry) -> str:
    """The trade that an entry belongs to at the CCP.

    A reversal that does not settle takes back the novation of the trade.
    """
    if isinstance(entry, Reversal) and not entry.settles:
        return entry.reverses
    return entry.trade_id


def _due_of(trade: TradeEntry, *, takes_back: bool = False) -> UnsettledTrade:
    """What a trade adds until it is settled, or what the reversal of such a trade takes back."""
    shares = trade.side.sign * trade.quantity
    if takes_back:
        proceeds = -trade.client_amount if trade.side is Side.BUY else ZERO
        return UnsettledTrade(trade.client_id, trade.symbol, shares, min(shares, 0), proceeds)
    proceeds = trade.client_amount if trade.side is Side.SELL else ZERO
    return UnsettledTrade(trade.client_id, trade.symbol, shares, max(shares, 0), proceeds)
