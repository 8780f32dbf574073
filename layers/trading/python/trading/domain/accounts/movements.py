"""A client's statement: the lines of its ledger entries. All lines together sum to its balances."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from trading.domain.ledger import (
    ClosedAdvance,
    Deposit,
    Entry,
    EntryKind,
    Fill,
    LedgerEntry,
    Posting,
    Reversal,
    Settlement,
    TradeEntry,
    Withdrawal,
    client_account,
)
from trading.domain.values import ZERO, Day, Frozen, Money, Side, Timestamp, iso


class MovementType(StrEnum):
    """Why something moved. A loan is drawn for a purchase, or repaid from the proceeds of a sale.

    A reversal takes a trade back whose execution the exchange corrected or busted. The lines of its
    fee and its loan have the types of those of the trade. An advance comes from the error account
    if a reversal took more than the client had. A repayment is what the client gives back of it.
    No ledger entry is a dividend yet.
    """

    TRADE = "trade"
    REVERSAL = "reversal"
    ADVANCE = "advance"
    REPAYMENT = "repayment"
    FEE = "fee"
    LOAN = "loan"
    SETTLEMENT = "settlement"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    DIVIDEND = "dividend"


KINDS: Mapping[MovementType, frozenset[EntryKind]] = {
    MovementType.TRADE: frozenset({EntryKind.FILL}),
    MovementType.REVERSAL: frozenset({EntryKind.REVERSAL}),
    MovementType.ADVANCE: frozenset({EntryKind.REVERSAL}),
    MovementType.REPAYMENT: frozenset({EntryKind.CLOSED_ADVANCE}),
    MovementType.FEE: frozenset({EntryKind.FILL, EntryKind.REVERSAL}),
    MovementType.LOAN: frozenset({EntryKind.FILL, EntryKind.REVERSAL, EntryKind.SETTLEMENT}),
    MovementType.SETTLEMENT: frozenset({EntryKind.FILL, EntryKind.REVERSAL}),
    MovementType.DEPOSIT: frozenset({EntryKind.DEPOSIT}),
    MovementType.WITHDRAWAL: frozenset({EntryKind.WITHDRAWAL}),
    MovementType.DIVIDEND: frozenset(),
}
"""Which listed entries have lines of a type. The settlement of a trade is shown with its fill."""


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
    """One line of a statement.

    `amount` (cash) and `quantity` (shares) are signed: what came in is positive. Over all lines
    they sum to the total balance, and to the quantity of each position. `unsettled_amount` and
    `unsettled_quantity` sum to what is not settled yet, whether purchases took it or not.
    A settlement brings nothing in or out. It only lowers what is unsettled.
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


class TradeState(StrEnum):
    """Whether a trade stands, or was reversed because the exchange corrected or busted it."""

    BOOKED = "booked"
    CORRECTED = "corrected"
    BUSTED = "busted"


class Trade(Frozen):
    """An execution as its client sees it.

    `amount` is cash in (+) or out (−), fees included. `drawn` is the part of it that came from
    credit. `settled_at` is null until the depository has delivered.
    `status` says whether the exchange took the trade back. `reversed_at` is when, `corrected_by` is
    the trade that replaced it, and `corrects` is the trade that this one replaced.
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
    status: TradeState
    corrects: str | None
    corrected_by: str | None
    reversed_at: Timestamp | None


def is_listed(entry: Entry) -> bool:
    """Whether an entry moves the client's own cash or shares.

    Most settlements do not. They are found through their trade.
    """
    return any(posting.account == client_account(entry.client_id) for posting in entry.postings)


def sort_key_of(entry: Entry) -> str:
    """Where an entry stands among its client's entries. The keys sort as text by booking time."""
    return f"{iso(entry.booked_at)}#{entry.trade_id}#{entry.kind}"


def trade_of(fill: Fill, settlement: Settlement | None, reversal: Reversal | None = None) -> Trade:
    """The trade of a fill. settlement: None if the trade is not settled yet. reversal: of a trade
    that was corrected or busted.
    """
    shown = fill.model_dump(include=set(Trade.model_fields))
    return Trade(
        **shown,
        amount=-fill.side.sign * fill.client_amount,
        settled_at=settlement and settlement.booked_at,
        status=state_of(reversal),
        corrected_by=reversal and reversal.corrected_by,
        reversed_at=reversal and reversal.booked_at,
    )


def state_of(reversal: Reversal | None) -> TradeState:
    """Whether a trade stands, by its reversal."""
    if reversal is None:
        return TradeState.BOOKED
    return TradeState.CORRECTED if reversal.corrected_by else TradeState.BUSTED


def movements_of(entry: LedgerEntry, settlement: Settlement | None) -> Sequence[Movement]:
    """The lines of a listed entry, latest first.

    settlement: of a fill, once the trade is settled. Its line stands with those of the fill.
    """
    match entry:
        case Fill():
            return _of_trade(entry, settlement, MovementType.TRADE)
        case Reversal():
            return [
                *_advance(entry),
                *_of_trade(entry, settlement, MovementType.REVERSAL, not entry.settles),
            ]
        case Settlement():
            return [_loan_repaid(entry)] if entry.loan_repaid else []
        case ClosedAdvance():
            return [_repayment(entry)] if is_listed(entry) else []
        case Deposit():
            return [_transfer(entry, MovementType.DEPOSIT)]
        case Withdrawal():
            return [_transfer(entry, MovementType.WITHDRAWAL)]
        case _:
            return []


def _of_trade(
    trade: TradeEntry,
    settlement: Settlement | None,
    movement: MovementType,
    takes_back: bool = False,
) -> Sequence[Movement]:
    """The lines of a trade, or of the reversal of one.

    takes_back: the reversal of a trade that does not settle takes back what was unsettled of it.
    """
    sign, sells = trade.side.sign, trade.side is Side.SELL
    unsettled = not sells if takes_back else sells
    about = trade.model_dump(include=ABOUT_A_TRADE)
    lines = []
    if settlement:
        lines.append(
            _line(
                settlement,
                MovementType.SETTLEMENT,
                **about,
                unsettled_amount=-trade.client_amount if sells else ZERO,
                unsettled_quantity=-sign * trade.quantity,
            )
        )
    if trade.drawn:
        lines.append(_line(trade, MovementType.LOAN, **about, amount=trade.drawn))
    if trade.fees:
        owed = -trade.fees if unsettled else ZERO
        lines.append(
            _line(trade, MovementType.FEE, **about, amount=-trade.fees, unsettled_amount=owed)
        )
    amount = -sign * trade.notional
    line = _line(
        trade,
        movement,
        **about,
        amount=amount,
        quantity=sign * trade.quantity,
        price=trade.price,
        unsettled_amount=amount if unsettled else ZERO,
        unsettled_quantity=sign * trade.quantity,
    )
    return [*lines, line]


def _advance(reversal: Reversal) -> Sequence[Movement]:
    cash, shares = reversal.advanced_cash, reversal.advanced_shares
    if not cash and not shares:
        return []
    about = reversal.model_dump(include=ABOUT_A_TRADE)
    return [_line(reversal, MovementType.ADVANCE, **about, amount=cash, quantity=shares)]


def _repayment(closed: ClosedAdvance) -> Movement:
    about = closed.model_dump(include=ABOUT_A_TRADE)
    amount, quantity = -closed.repaid_cash, -closed.repaid_shares
    return _line(
        closed,
        MovementType.REPAYMENT,
        **about,
        amount=amount,
        quantity=quantity,
        reference=closed.reference,
    )


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
