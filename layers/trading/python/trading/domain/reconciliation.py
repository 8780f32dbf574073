"""The invariants of the books, folded entity by entity. Each finding is a break that people must
look at.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, pairwise
from typing import NamedTuple

from trading.domain import identifiers, ledger
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.ledger import (
    Break,
    Deposit,
    Fill,
    LedgerEntry,
    Novation,
    Settlement,
    Withdrawal,
)
from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import FINAL, OrderStatus, is_legal_path
from trading.domain.orders.order_times import expires_at
from trading.domain.posttrade.netting import Obligation
from trading.domain.reference import calendars
from trading.domain.values import ZERO, Frozen, Side, TimeInForce

INVARIANTS = {
    1: (
        "cash: all accounts sum to zero per currency, and every client's balance is the sum of its "
        "postings"
    ),
    2: "shares: all accounts sum to zero per symbol, and every position is the sum of its postings",
    3: (
        "available and held are never below zero; held is what the open orders hold, and the "
        "account names them; unsettled is what is due"
    ),
    4: "no position is below zero",
    5: "the fills of an order sum to its filled quantity, which is at most its quantity",
    6: "an execution is booked once",
    7: "every accepted order reaches a final status",
    8: "a client's orders reach an exchange in the order in which they were accepted",
    9: "what the CCP owes and is owed nets to zero per symbol and settlement date",
    10: "every order's history is a legal path",
}
COMMITTED_WITHIN = timedelta(minutes=2)
"""How much older than its commit, on another worker's clock, the time in an entity can be; and how
stale a read.
"""
ORDER_IS_LATE_AFTER = timedelta(days=1)
SETTLEMENT_IS_LATE_AFTER = timedelta(days=5)
"""So that a cycle that failed before a long weekend has been repeated."""

CLOCKS_DIFFER_BY = timedelta(seconds=1)
"""Histories are written by many machines. Within this, their times do not say what was first."""


class Finding(Frozen):
    """One violation of an invariant."""

    invariant: int
    subject: str
    message: str


Entity = Account | Position | Obligation | Order | LedgerEntry


class Snapshot(Frozen):
    """Everything in the books at one moment at which nothing moves. `expect_final`: the day is
    over, no order may be open but a GTC.
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
        """From all that a reader found."""
        found = tuple(entities)
        return cls(
            accounts=tuple(e for e in found if isinstance(e, Account)),
            positions=tuple(e for e in found if isinstance(e, Position)),
            orders=tuple(e for e in found if isinstance(e, Order)),
            entries=tuple(
                e
                for e in found
                if isinstance(e, Fill | Novation | Settlement | Deposit | Withdrawal | Break)
            ),
            obligations=tuple(e for e in found if isinstance(e, Obligation)),
            unreadable=tuple(e for e in found if isinstance(e, Finding)),
            expect_final=expect_final,
        )

    def entities(self) -> Iterable[Entity | Finding]:
        """All of them."""
        return chain(
            self.accounts,
            self.positions,
            self.obligations,
            self.orders,
            self.entries,
            self.unreadable,
        )


def check(snapshot: Snapshot) -> list[Finding]:
    """All violations of all invariants, and all breaks; empty when the books are right."""
    reconciliation = Reconciliation(expect_final=snapshot.expect_final)
    for entity in snapshot.entities():
        reconciliation.add(entity)
    breaks = (
        Finding(invariant=5, subject=entry.trade_id, message=f"break {entry.code}: {entry.reason}")
        for entry in reconciliation.breaks
    )
    return sorted(chain(reconciliation.findings(), breaks), key=lambda f: (f.invariant, f.subject))


class _Rule(NamedTuple):
    """Two sides that must be equal, and what each is called."""

    invariant: int
    stated: str
    derived: str


BOOKED = _Rule(1, "balance", "ledger")
LENT = _Rule(1, "credit used", "ledger lends")
CASH_HELD = _Rule(3, "cash held", "orders hold")
CREDIT_HELD = _Rule(3, "credit held", "orders hold")
SHARES_HELD = _Rule(3, "shares held", "orders hold")
PROCEEDS_DUE = _Rule(3, "unsettled and used", "sales not yet settled")
SHARES_DUE = _Rule(3, "unsettled", "trades due")
RECEIVABLE = _Rule(3, "receivable", "purchases due")
OPEN = _Rule(3, "named as open", "open")
FILLED = _Rule(5, "filled", "fills sum to")


@dataclass(slots=True)
class _Sides:
    """What an entity states (None: there is no such entity), and what others come to."""

    stated: Decimal | int | None = None
    derived: Decimal | int = 0


@dataclass(slots=True)
class _Client:
    """What is known of one client. A balance's subject is its asset, an order's its id."""

    currency: str | None = None
    sides: dict[tuple[_Rule, str], _Sides] = field(default_factory=lambda: defaultdict(_Sides))
    routed: dict[datetime | None, list[tuple[int, datetime, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By the open that orders waited for: those overtake each other, the others among themselves do
    not.
    """


class _Due(NamedTuple):
    """What an unsettled trade adds to its client's balances."""

    client_id: str
    symbol: str
    shares: int
    proceeds: Decimal


class Reconciliation:
    """Folds the books, one entity at a time and in any order, into sums that must come out even.

    `began`: when somebody began to read books that live on: the accounts, then the orders, then the
    ledger. Whatever happens to a client writes its time into the history of an order or into a
    ledger entry, so what a later read could see and an earlier one could not shows its time: a
    client of whom something is as new as `began` is `in_motion` and not judged. Late orders and
    settlements are judged by `began`, too; with `expect_final`, every order must be final and
    settled but an open GTC.
    """

    def __init__(self, *, began: datetime | None = None, expect_final: bool = False) -> None:
        self.wrong: list[Finding] = []
        """What is wrong with one entity by itself, whatever else there is."""
        self.breaks: list[Break] = []
        self.in_motion: set[str] = set()
        self._began = began
        self._moving_since = began and began - COMMITTED_WITHIN
        self._expect_final = expect_final
        self._clients: dict[str, _Client] = defaultdict(_Client)
        self._unbalanced: list[tuple[str, str]] = []
        self._due: dict[str, _Due] = {}
        self._settled_first: set[str] = set()
        self._ccp: dict[tuple[str, str, str, str], Decimal] = {}

    def add(self, entity: Entity | Finding) -> None:
        """Take an entity in, or what a reader found wrong with one that it could not read."""
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
        """All that is wrong, once everything was added."""
        yield from self.wrong
        currencies = {client.currency for client in self._clients.values()}
        for asset, message in self._unbalanced:
            yield Finding(invariant=1 if asset in currencies else 2, subject=asset, message=message)
        for client_id, client in self._clients.items():
            if client_id not in self.in_motion:
                yield from _uneven(client_id, client, currencies)
                yield from _overtaken(client)
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
        client.sides[BOOKED, account.currency].stated = account.total
        client.sides[LENT, ""].stated = account.credit_used
        client.sides[CASH_HELD, ""].stated = account.held
        client.sides[CREDIT_HELD, ""].stated = account.credit_held
        client.sides[PROCEEDS_DUE, ""].stated = account.unsettled + account.unsettled_used
        for order_id in account.open_order_ids:
            client.sides[OPEN, order_id].stated = 1
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
        sides[BOOKED, position.symbol].stated = position.quantity
        sides[SHARES_HELD, position.symbol].stated = position.held
        sides[SHARES_DUE, position.symbol].stated = position.unsettled
        sides[RECEIVABLE, position.symbol].stated = position.receivable
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
            today = self._began.astimezone(calendars.NEW_YORK).date()
            if owed.settlement_date + SETTLEMENT_IS_LATE_AFTER < today:
                self._wrong(
                    7,
                    owed.order_id,
                    f"{owed.trade_id} was due on {owed.settlement_date}, is not settled",
                )

    def _owe(
        self, client_id: str, trade_id: str, account: str, asset: str, amount: Decimal
    ) -> None:
        """The client's open obligation of a trade against what the CCP's accounts say is still to
        be delivered of it.
        """
        key = (client_id, trade_id, account, asset)
        total = self._ccp.pop(key, Decimal(0)) + amount
        if total:
            self._ccp[key] = total

    def _order(self, order: Order) -> None:
        if order.history:
            self._moved(order.client_id, order.history[-1].time)
        client, hold = self._clients[order.client_id], order.hold
        for rule, name, held in (
            (CASH_HELD, "", hold.cash),
            (CREDIT_HELD, "", hold.credit),
            (SHARES_HELD, order.symbol, hold.shares),
        ):
            if held:
                client.sides[rule, name].derived += held
        if order.is_open or order.is_pending:
            client.sides[OPEN, order.order_id].derived += 1
        if order.filled_quantity:
            client.sides[FILLED, order.order_id].stated = order.filled_quantity
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
                self._clients[owner].sides[BOOKED, posting.asset].derived += posting.amount
            elif kind == "ccp":
                self._owe(
                    entry.client_id, entry.trade_id, posting.account, posting.asset, posting.amount
                )
        match entry:
            case Fill():
                self._fill(entry)
            case Settlement():
                self._clients[entry.client_id].sides[LENT, ""].derived -= entry.loan_repaid
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
        sides[FILLED, fill.order_id].derived += fill.quantity
        sides[LENT, ""].derived += fill.drawn
        if fill.trade_id in self._settled_first:
            self._settled_first.remove(fill.trade_id)
            return
        proceeds = fill.client_amount if fill.side is Side.SELL else ZERO
        self._due[fill.trade_id] = due = _Due(
            fill.client_id, fill.symbol, fill.side.sign * fill.quantity, proceeds
        )
        self._expect(due, 1)

    def _expect(self, due: _Due, sign: int) -> None:
        """An unsettled trade shows in the balances of its client; a settled one does no longer."""
        sides = self._clients[due.client_id].sides
        sides[SHARES_DUE, due.symbol].derived += sign * due.shares
        sides[RECEIVABLE, due.symbol].derived += sign * max(due.shares, 0)
        sides[PROCEEDS_DUE, ""].derived += sign * due.proceeds


def _uneven(client_id: str, client: _Client, currencies: set[str | None]) -> Iterator[Finding]:
    """Where what a client's account, position or order states is not what others come to."""
    for (rule, name), sides in client.sides.items():
        if (sides.stated or 0) == sides.derived:
            continue
        invariant, subject = rule.invariant, f"{client_id}/{name}" if name else client_id
        if rule in (FILLED, OPEN):
            subject = name
        elif rule is BOOKED and sides.stated is None:
            invariant, subject = (
                1 if name in currencies else 2,
                f"{ledger.client_account(client_id)}/{name}",
            )
        elif rule is BOOKED and name == client.currency:
            subject = client_id
        elif rule is BOOKED:
            invariant = 2
        stated = "none" if sides.stated is None else sides.stated
        message = f"{rule.stated} {stated}, {rule.derived} {sides.derived or 0}"
        yield Finding(invariant=invariant, subject=subject, message=message)


def _overtaken(client: _Client) -> Iterator[Finding]:
    """A predecessor may end before it is routed, but it must not be routed after its successor."""
    for routed in client.routed.values():
        for (_, before, earlier), (_, after, later) in pairwise(sorted(routed)):
            if before - after > CLOCKS_DIFFER_BY:
                yield Finding(
                    invariant=8,
                    subject=later,
                    message=f"routed before {earlier}, accepted after it",
                )
