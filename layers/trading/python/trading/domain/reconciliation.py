"""The invariants of the books, checked over a snapshot of them. Each finding is a break that people must look at."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal

from trading.domain import ledger
from trading.domain.accounts import Account, Position
from trading.domain.clearing import Obligation
from trading.domain.ledger import Break, Fill, LedgerEntry, Novation, Settlement
from trading.domain.orders import FINAL, ChildStatus, Hold, Order, OrderStatus, is_legal_path
from trading.domain.values import Frozen, Side, TimeInForce

INVARIANTS = {
    1: "cash: all accounts sum to zero per currency, and every client's balance is the sum of its postings",
    2: "shares: all accounts sum to zero per symbol, and every position is the sum of its postings",
    3: "available and held are never below zero; held is what the open orders hold; unsettled is what is due",
    4: "no position is below zero",
    5: "the fills of an order sum to its filled quantity, which is at most its quantity",
    6: "an execution is booked once",
    7: "every accepted order reaches a final status",
    8: "a client's orders reach an exchange in the order in which they were accepted",
    9: "what the CCP owes and is owed nets to zero per symbol and settlement date",
    10: "every order's history is a legal path",
}


class Finding(Frozen):
    """One violation of an invariant."""

    invariant: int
    subject: str
    message: str


class Snapshot(Frozen):
    """Everything in the books at one moment at which nothing moves. `expect_final`: the day is over, no order may be open but a GTC."""

    accounts: tuple[Account, ...]
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]
    entries: tuple[LedgerEntry, ...]
    obligations: tuple[Obligation, ...]
    expect_final: bool = False


def check(snapshot: Snapshot) -> list[Finding]:
    """All violations of all invariants; empty when the books are right."""
    checks: tuple[Callable[[Snapshot], Iterator[Finding]], ...] = (
        _cash_and_shares,
        _holds,
        _loans,
        _unsettled,
        _fills,
        _final,
        _routing_order,
        _ccp,
        _histories,
        _breaks,
    )
    return sorted((f for c in checks for f in c(snapshot)), key=lambda f: (f.invariant, f.subject))


def _sums(snapshot: Snapshot) -> dict[tuple[str, str], Decimal]:
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry in snapshot.entries:
        for posting in entry.postings:
            sums[posting.account, posting.asset] += posting.amount
    return sums


def _cash_and_shares(snapshot: Snapshot) -> Iterator[Finding]:
    sums = _sums(snapshot)
    currencies = {account.currency for account in snapshot.accounts}
    per_asset: dict[str, Decimal] = defaultdict(Decimal)
    for (_, asset), amount in sums.items():
        per_asset[asset] += amount
    for asset, amount in per_asset.items():
        if amount:
            yield Finding(
                invariant=1 if asset in currencies else 2, subject=asset, message=f"all accounts sum to {amount}"
            )
    booked = {key: amount for key, amount in sums.items() if key[0].startswith("client:")}
    for account in snapshot.accounts:
        posted = booked.pop((ledger.client_account(account.client_id), account.currency), Decimal(0))
        if posted != account.total:
            yield Finding(invariant=1, subject=account.client_id, message=f"balance {account.total}, ledger {posted}")
    for position in snapshot.positions:
        posted = booked.pop((ledger.client_account(position.client_id), position.symbol), Decimal(0))
        subject = f"{position.client_id}/{position.symbol}"
        if posted != position.quantity:
            yield Finding(invariant=2, subject=subject, message=f"position {position.quantity}, ledger {posted}")
        if position.quantity < 0:
            yield Finding(invariant=4, subject=subject, message=f"position is {position.quantity}")
    for (owner, asset), amount in booked.items():
        if amount:
            yield Finding(
                invariant=1 if asset in currencies else 2,
                subject=f"{owner}/{asset}",
                message=f"ledger {amount}, no balance",
            )


def _holds(snapshot: Snapshot) -> Iterator[Finding]:
    holds: dict[str, Hold] = defaultdict(Hold)
    shares: Counter[tuple[str, str]] = Counter()
    for order in snapshot.orders:
        held, so_far = order.hold, holds[order.client_id]
        holds[order.client_id] = Hold(cash=so_far.cash + held.cash, credit=so_far.credit + held.credit)
        shares[order.client_id, order.symbol] += held.shares
    for account in snapshot.accounts:
        expected = holds[account.client_id]
        if account.held != expected.cash or account.credit_held != expected.credit:
            message = f"held {account.held} cash and {account.credit_held} credit, orders hold {expected.cash} and {expected.credit}"
            yield Finding(invariant=3, subject=account.client_id, message=message)
        negative = [
            n for n in ("available", "held", "unsettled", "credit_held", "credit_used") if getattr(account, n) < 0
        ]
        for name in negative:
            yield Finding(invariant=3, subject=account.client_id, message=f"{name} is {getattr(account, name)}")
    for position in snapshot.positions:
        subject, expected_shares = (
            f"{position.client_id}/{position.symbol}",
            shares[position.client_id, position.symbol],
        )
        if position.held != expected_shares:
            yield Finding(invariant=3, subject=subject, message=f"held {position.held}, orders hold {expected_shares}")
        if position.available < 0 or position.held < 0:
            yield Finding(invariant=3, subject=subject, message=f"{position.available=} {position.held=}")


def _loans(snapshot: Snapshot) -> Iterator[Finding]:
    loans: dict[str, Decimal] = defaultdict(Decimal)
    for entry in snapshot.entries:
        if isinstance(entry, Fill):
            loans[entry.client_id] += entry.drawn
        elif isinstance(entry, Settlement):
            loans[entry.client_id] -= entry.loan_repaid
    for account in snapshot.accounts:
        if account.credit_used != loans[account.client_id]:
            message = f"credit used {account.credit_used}, ledger lends {loans[account.client_id]}"
            yield Finding(invariant=1, subject=account.client_id, message=message)


def _unsettled(snapshot: Snapshot) -> Iterator[Finding]:
    settled = {entry.trade_id for entry in snapshot.entries if isinstance(entry, Settlement)}
    proceeds: dict[str, Decimal] = defaultdict(Decimal)
    shares: Counter[tuple[str, str]] = Counter()
    for entry in snapshot.entries:
        if isinstance(entry, Fill) and entry.trade_id not in settled:
            shares[entry.client_id, entry.symbol] += entry.side.sign * entry.quantity
            if entry.side is Side.SELL:
                proceeds[entry.client_id] += entry.client_amount
    for account in snapshot.accounts:
        if account.unsettled != proceeds[account.client_id]:
            message = f"unsettled {account.unsettled}, sales not yet settled {proceeds[account.client_id]}"
            yield Finding(invariant=3, subject=account.client_id, message=message)
    for position in snapshot.positions:
        due = shares[position.client_id, position.symbol]
        if position.unsettled != due:
            subject = f"{position.client_id}/{position.symbol}"
            yield Finding(invariant=3, subject=subject, message=f"unsettled {position.unsettled}, trades due {due}")


def _fills(snapshot: Snapshot) -> Iterator[Finding]:
    fills = [entry for entry in snapshot.entries if isinstance(entry, Fill)]
    executions = Counter((fill.exchange_id, fill.execution_id) for fill in fills)
    for (exchange_id, execution_id), times in executions.items():
        if times > 1:
            yield Finding(invariant=6, subject=f"{exchange_id}/{execution_id}", message=f"booked {times} times")
    quantities: Counter[str] = Counter()
    for fill in fills:
        quantities[fill.order_id] += fill.quantity
    for order in snapshot.orders:
        booked = quantities.pop(order.order_id, 0)
        if booked != order.filled_quantity or booked > order.quantity:
            message = f"fills sum to {booked}, filled {order.filled_quantity} of {order.quantity}"
            yield Finding(invariant=5, subject=order.order_id, message=message)
        if order.settled_quantity > order.filled_quantity:
            yield Finding(
                invariant=5, subject=order.order_id, message=f"{order.settled_quantity} settled of {booked} filled"
            )
    for order_id, booked in quantities.items():
        yield Finding(invariant=5, subject=order_id, message=f"{booked} filled, no such order")


def _final(snapshot: Snapshot) -> Iterator[Finding]:
    if not snapshot.expect_final:
        return
    for order in snapshot.orders:
        if order.is_open and order.time_in_force is TimeInForce.GTC:
            continue
        if order.status not in FINAL:
            yield Finding(invariant=7, subject=order.order_id, message=f"still {order.status}")
        elif order.settled_quantity != order.filled_quantity:
            yield Finding(
                invariant=7,
                subject=order.order_id,
                message=f"{order.settled_quantity} of {order.filled_quantity} settled",
            )


def _routing_order(snapshot: Snapshot) -> Iterator[Finding]:
    """A predecessor may have ended before it was routed; it may not be routed after its successor."""
    routed_at = {
        order.order_id: next((e.time for e in order.history if e.status is OrderStatus.ROUTING), None)
        for order in snapshot.orders
    }
    latest: dict[str, Order] = {}
    for order in sorted(snapshot.orders, key=lambda o: o.sequence):
        now = routed_at[order.order_id]
        if now is None or not order.sequence:
            continue
        earlier = latest.get(order.client_id)
        before = routed_at[earlier.order_id] if earlier else None
        if earlier and before and before > now:
            yield Finding(
                invariant=8, subject=order.order_id, message=f"routed before {earlier.order_id}, accepted after it"
            )
        latest[order.client_id] = order


def _ccp(snapshot: Snapshot) -> Iterator[Finding]:
    """The clients' open obligations against what the CCP's accounts say is still to be delivered."""
    due: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for obligation in snapshot.obligations:
        account = ledger.ccp_account(obligation.settlement_date)
        due[account, obligation.symbol] += obligation.signed_quantity
        due[account, obligation.currency] += obligation.signed_amount
    for (account, asset), amount in _sums(snapshot).items():
        if account.startswith("ccp:"):
            due[account, asset] += amount
    for (account, asset), amount in due.items():
        if amount:
            yield Finding(invariant=9, subject=f"{account}/{asset}", message=f"off by {amount}")
    novated = {entry.trade_id for entry in snapshot.entries if isinstance(entry, Novation)}
    open_trades = {obligation.trade_id for obligation in snapshot.obligations}
    for trade_id in open_trades - novated:
        yield Finding(invariant=9, subject=trade_id, message="an obligation without novation")


def _histories(snapshot: Snapshot) -> Iterator[Finding]:
    for order in snapshot.orders:
        if not is_legal_path(order.history) or order.history[-1].status is not order.status:
            path = " ".join(entry.status for entry in order.history)
            yield Finding(invariant=10, subject=order.order_id, message=f"{path}, status {order.status}")
        stray = [c.number for c in order.children if c.status is ChildStatus.SENT and not order.is_open]
        if stray:
            yield Finding(invariant=10, subject=order.order_id, message=f"{order.status} with live children {stray}")


def _breaks(snapshot: Snapshot) -> Iterator[Finding]:
    for entry in snapshot.entries:
        if isinstance(entry, Break):
            yield Finding(invariant=5, subject=entry.trade_id, message=f"break {entry.code}: {entry.reason}")
