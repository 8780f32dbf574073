"""A client's statement: what its ledger entries moved, line by line. The sums of all lines are its
balances.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from trading.domain.ledger import (
    Deposit,
    Entry,
    EntryKind,
    Fill,
    LedgerEntry,
    Posting,
    Settlement,
    Withdrawal,
    client_account,
)
from trading.domain.values import ZERO, Day, Frozen, Money, Side, Timestamp, iso


class MovementType(StrEnum):
    """Why something moved. loan: drawn for a purchase, or repaid by the proceeds of a sale. No
    entry is a dividend yet.
    """

    TRADE = "trade"
    FEE = "fee"
    LOAN = "loan"
    SETTLEMENT = "settlement"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    DIVIDEND = "dividend"


KINDS: Mapping[MovementType, frozenset[EntryKind]] = {
    MovementType.TRADE: frozenset({EntryKind.FILL}),
    MovementType.FEE: frozenset({EntryKind.FILL}),
    MovementType.LOAN: frozenset({EntryKind.FILL, EntryKind.SETTLEMENT}),
    MovementType.SETTLEMENT: frozenset({EntryKind.FILL}),
    MovementType.DEPOSIT: frozenset({EntryKind.DEPOSIT}),
    MovementType.WITHDRAWAL: frozenset({EntryKind.WITHDRAWAL}),
    MovementType.DIVIDEND: frozenset(),
}
"""The listed entries that have lines of a type. A trade's settlement stands with its fill."""


ABOUT_A_TRADE = {
    "currency",
    "symbol",
    "side",
    "trade_id",
    "order_id",
    "trade_date",
    "settlement_date",
}


class Movement(Frozen):
    """One line of a statement. `amount` (cash) and `quantity` (shares) are signed: what came in is
    positive; over all lines they sum to the total balance and to each position's quantity,
    `unsettled_amount` and `unsettled_quantity` to what is not settled yet, spent or not.

    A settlement moves nothing in or out: what was unsettled is settled by it.
    """

    transaction_id: str
    type: MovementType
    booked_at: Timestamp
    amount: Money = ZERO
    currency: str | None = None
    symbol: str | None = None
    quantity: int = 0
    price: Money | None = None
    unsettled_amount: Money = ZERO
    unsettled_quantity: int = 0
    side: Side | None = None
    trade_id: str | None = None
    order_id: str | None = None
    trade_date: Day | None = None
    settlement_date: Day | None = None
    reference: str | None = None


class Trade(Frozen):
    """An execution as its client sees it. `amount`: cash in (+) or out (−), fees included, of which
    `drawn` came from credit. `settled_at`: null until the depository has delivered.
    """

    trade_id: str
    order_id: str
    exchange_id: str
    execution_id: str
    symbol: str
    side: Side
    quantity: int
    price: Money
    notional: Money
    fees: Money
    drawn: Money
    amount: Money
    currency: str
    executed_at: Timestamp
    booked_at: Timestamp
    trade_date: Day
    settlement_date: Day
    settled_at: Timestamp | None


def is_listed(entry: Entry) -> bool:
    """Whether it moves the client's own cash or shares. Most settlements do not: they are found
    through their trade.
    """
    return any(posting.account == client_account(entry.client_id) for posting in entry.postings)


def sort_key_of(entry: Entry) -> str:
    """The position of an entry in the list of its client's entries. The keys sort as text by the
    time of booking.
    """
    return f"{iso(entry.booked_at)}#{entry.trade_id}#{entry.kind}"


def trade_of(fill: Fill, settlement: Settlement | None) -> Trade:
    """A trade, settled or not yet."""
    shown = fill.model_dump(include=set(Trade.model_fields))
    settled_at = settlement and settlement.booked_at
    return Trade(**shown, amount=-fill.side.sign * fill.client_amount, settled_at=settled_at)


def movements_of(entry: LedgerEntry, settlement: Settlement | None) -> Sequence[Movement]:
    """The lines of an entry that is listed, latest first; for a fill with its settlement, if it has
    one by now.
    """
    match entry:
        case Fill():
            return _of_fill(entry, settlement)
        case Settlement():
            return [_loan_repaid(entry)] if entry.loan_repaid else []
        case Deposit():
            return [_transfer(entry, MovementType.DEPOSIT)]
        case Withdrawal():
            return [_transfer(entry, MovementType.WITHDRAWAL)]
        case _:
            return []


def _of_fill(fill: Fill, settlement: Settlement | None) -> Sequence[Movement]:
    sign, sells = fill.side.sign, fill.side is Side.SELL
    about = fill.model_dump(include=ABOUT_A_TRADE)
    lines = []
    if settlement:
        lines.append(
            _line(
                settlement,
                MovementType.SETTLEMENT,
                **about,
                unsettled_amount=-fill.client_amount if sells else ZERO,
                unsettled_quantity=-sign * fill.quantity,
            )
        )
    if fill.drawn:
        lines.append(_line(fill, MovementType.LOAN, **about, amount=fill.drawn))
    if fill.fees:
        unsettled = -fill.fees if sells else ZERO
        lines.append(
            _line(fill, MovementType.FEE, **about, amount=-fill.fees, unsettled_amount=unsettled)
        )
    trade = _line(
        fill,
        MovementType.TRADE,
        **about,
        amount=-sign * fill.notional,
        quantity=sign * fill.quantity,
        price=fill.price,
        unsettled_amount=fill.notional if sells else ZERO,
        unsettled_quantity=sign * fill.quantity,
    )
    return [*lines, trade]


def _loan_repaid(settlement: Settlement) -> Movement:
    currency = _of_client(settlement).asset
    about = settlement.model_dump(include={"symbol", "trade_id", "order_id"})
    return _line(
        settlement, MovementType.LOAN, **about, currency=currency, amount=-settlement.loan_repaid
    )


def _transfer(entry: Deposit | Withdrawal, movement: MovementType) -> Movement:
    moved = _of_client(entry)
    if entry.cost is None:
        return _line(
            entry, movement, amount=moved.amount, currency=moved.asset, reference=entry.reference
        )
    return _line(
        entry, movement, quantity=int(moved.amount), symbol=moved.asset, reference=entry.reference
    )


def _of_client(entry: Entry) -> Posting:
    return next(
        posting for posting in entry.postings if posting.account == client_account(entry.client_id)
    )


def _line(entry: Entry, movement: MovementType, **fields: Any) -> Movement:
    return Movement(
        transaction_id=f"{entry.trade_id}.{movement}",
        type=movement,
        booked_at=entry.booked_at,
        **fields,
    )
