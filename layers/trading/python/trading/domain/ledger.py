"""The ledger, in double entry: the postings of every entry sum to zero per asset.

Entries are written once and never changed. docs/reference/ledger.md lists what each kind posts.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from trading.domain.coded import Coded
from trading.domain.values import ZERO, Day, Frozen, Money, Side, Timestamp

DEPOSITORY = "depository"
LENDING = "lending"
ERROR = "error"
"""The broker's error account. It advances what a correction takes and its client does not have."""
WRITE_OFFS = "write-offs"
"""What the broker lost: advances of the error account that their clients did not pay back."""

BROKER_ACCOUNTS = frozenset({DEPOSITORY, LENDING, ERROR, WRITE_OFFS})
"""The accounts in entries that are neither a client's nor an exchange's."""


class EntryKind(Coded):
    """What a ledger entry records."""

    FILL = "FILL", "A trade: an execution at an exchange, booked for the client."
    REVERSAL = "REVERSAL", "A trade was reversed: its exchange corrected or busted the execution."
    NOVATION = "NOVATION", "The CCP took over the exchange's side of a trade."
    SETTLEMENT = "SETTLEMENT", "The depository delivered the shares of a trade versus payment."
    DEPOSIT = "DEPOSIT", "Cash or shares came in from outside."
    WITHDRAWAL = "WITHDRAWAL", "Cash or shares went out."
    CLOSED_ADVANCE = (
        "CLOSED_ADVANCE",
        "An operator closed an advance of the error account: paid back or written off.",
    )
    BREAK = "BREAK", "A report or confirmation that our books refuse. It has no postings."


class BreakCode(Coded):
    """Why the books refuse what the outside world said. People look at every break."""

    UNKNOWN_ORDER = (
        "UNKNOWN_ORDER",
        "An exchange reported a child order that this account does not have there.",
    )
    OTHER_ORDER_REPORTED = (
        "OTHER_ORDER_REPORTED",
        "An exchange reported another symbol or side than was ordered.",
    )
    MALFORMED_TRADE = (
        "MALFORMED_TRADE",
        "An exchange reported a trade without a quantity or a price.",
    )
    NOT_UNDERSTOOD = (
        "NOT_UNDERSTOOD",
        "An exchange reported an event that we do not know. The order goes on.",
    )
    EXECUTION_CHANGED = (
        "EXECUTION_CHANGED",
        "An exchange reported a booked execution again, with other numbers or for another order.",
    )
    UNKNOWN_CHILD_ORDER = (
        "UNKNOWN_CHILD_ORDER",
        "An exchange executed a child order that it never got.",
    )
    OVERFILL = "OVERFILL", "An exchange executed more than was left of the order."
    IMPLAUSIBLE_PRICE = "IMPLAUSIBLE_PRICE", "The price of an execution is not positive."
    IMPLAUSIBLE_TIME = (
        "IMPLAUSIBLE_TIME",
        "An exchange stated a time at which it cannot have executed the order.",
    )
    PRICE_WORSE_THAN_LIMIT = (
        "PRICE_WORSE_THAN_LIMIT",
        "An exchange executed the order at a worse price than it allows.",
    )
    MALFORMED_CORRECTION = (
        "MALFORMED_CORRECTION",
        "A correction lacks the execution that it changes, the quantity or the price.",
    )
    UNKNOWN_EXECUTION = (
        "UNKNOWN_EXECUTION",
        "An exchange corrected or busted an execution that the books do not have.",
    )
    OTHER_EXECUTION_REFERENCED = (
        "OTHER_EXECUTION_REFERENCED",
        "An exchange corrected or busted an execution of another order.",
    )
    EXECUTION_SUPERSEDED = (
        "EXECUTION_SUPERSEDED",
        "An exchange corrected or busted an execution that it had corrected or busted before.",
    )
    CORRECTION_NOT_COVERED = (
        "CORRECTION_NOT_COVERED",
        "A correction took more cash or shares than the client had. The error account advanced the "
        "rest.",
    )
    CONFIRMATION_MISMATCH = (
        "CONFIRMATION_MISMATCH",
        "The depository confirmed something else than was instructed.",
    )
    UNRECONCILED_CONFIRMATION = (
        "UNRECONCILED_CONFIRMATION",
        "The depository settled something that the ledger does not have, or has otherwise.",
    )


def client_account(client_id: str) -> str:
    """The ledger account of what a client owns."""
    return f"client:{client_id}"


def exchange_account(exchange_id: str) -> str:
    """The ledger account of the other side of trades at an exchange, until novation."""
    return f"exchange:{exchange_id}"


def fees_account(exchange_id: str) -> str:
    """The ledger account of the fees that an exchange earned."""
    return f"fees:{exchange_id}"


def ccp_account(settlement_date: Day) -> str:
    """The ledger account of what the CCP delivers and receives on a settlement date."""
    return f"ccp:{settlement_date.isoformat()}"


class Posting(Frozen):
    """Add a signed `amount` of `asset` (a currency or a symbol) to `account`."""

    account: str
    asset: str
    amount: Decimal


def transfer(
    asset: str, source: str, target: str, amount: Decimal | int
) -> tuple[Posting, Posting]:
    """The two postings that move an amount of an asset from one account to another."""
    return (
        Posting(account=source, asset=asset, amount=-Decimal(amount)),
        Posting(account=target, asset=asset, amount=Decimal(amount)),
    )


def netted(*pairs: tuple[Posting, Posting]) -> tuple[Posting, ...]:
    """Add up postings to one for each account and asset. Those that come to zero are left out."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for pair in pairs:
        for posting in pair:
            sums[posting.account, posting.asset] += posting.amount
    return tuple(
        Posting(account=a, asset=s, amount=amount) for (a, s), amount in sums.items() if amount
    )


def imbalance(postings: Iterable[Posting]) -> dict[str, Decimal]:
    """The sums of postings per asset that are not zero."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for posting in postings:
        sums[posting.asset] += posting.amount
    return {asset: amount for asset, amount in sums.items() if amount}


class Entry(Frozen):
    """A balanced ledger entry. Its key is `trade_id` and `kind`, so an event is booked once.

    A deposit or a withdrawal has its own id as `trade_id`.
    """

    trade_id: str
    kind: EntryKind
    client_id: str
    booked_at: Timestamp
    postings: tuple[Posting, ...] = ()

    @model_validator(mode="after")
    def _balanced(self) -> Self:
        unbalanced = {asset: str(amount) for asset, amount in imbalance(self.postings).items()}
        if unbalanced:
            raise ValueError(f"entry {self.trade_id} does not balance: {unbalanced}")
        return self


class TradeEntry(Entry):
    """What a trade and its reversal have in common. Each of them settles by itself.

    `quantity` is in shares, all amounts are in `currency`. `notional` is price × quantity. `drawn`
    is the part of a purchase that credit paid. `trade_date` is the session of the trade.
    `cost` is what a sale takes out of the position's cost basis.
    """

    order_id: str
    exchange_id: str
    execution_id: str
    symbol: str
    side: Side
    quantity: int = Field(gt=0)
    price: Money
    notional: Money
    fees: Money
    drawn: Money = ZERO
    cost: Money = Field(default=ZERO, exclude_if=lambda cost: not cost)
    currency: str
    executed_at: Timestamp
    trade_date: Day
    settlement_date: Day

    @property
    def client_amount(self) -> Decimal:
        """What the client pays (buy) or receives (sell), fees included. It is not signed."""
        return self.notional + self.side.sign * self.fees


class Fill(TradeEntry):
    """A trade: an execution at an exchange, booked to the client.

    `corrects`: the trade that it replaces, if the exchange corrected an execution. `peak`: the
    greatest quantity that the execution ever had, before and after corrections; None: its own.
    """

    kind: Literal[EntryKind.FILL] = EntryKind.FILL
    corrects: str | None = None
    peak: int | None = None

    @property
    def peak_quantity(self) -> int:
        """The greatest quantity that the execution ever had."""
        return self.quantity if self.peak is None else self.peak


class Reversal(TradeEntry):
    """The reversal of a trade whose execution the exchange corrected or busted.

    It is the trade with the opposite side and the fee with the opposite sign. `drawn` is negative
    if a loan is given back. `execution_id` is that of the correction or the bust.
    `reverses`: the trade. `corrected_by`: the trade that replaces it; None: it was busted.
    `settles`: the trade is settled or at the depository, so the reversal settles by itself, later.
    Otherwise neither of them settles. `advanced_cash`, `advanced_shares`: what the error account
    advanced to the client.
    """

    kind: Literal[EntryKind.REVERSAL] = EntryKind.REVERSAL
    reverses: str
    corrected_by: str | None = None
    settles: bool
    advanced_cash: Money = ZERO
    advanced_shares: int = 0


class ClosedAdvance(Entry):
    """The end of what the error account advanced with a reversal, whose `trade_id` it has.

    The client pays a part back, and the broker writes off the rest. Each part is cash in `currency`
    and shares of `symbol`. `cost`: what the shares that were paid back take out of the cost basis.
    `reference`: the operator's name of the case.
    """

    kind: Literal[EntryKind.CLOSED_ADVANCE] = EntryKind.CLOSED_ADVANCE
    order_id: str
    reference: str
    symbol: str
    currency: str
    repaid_cash: Money = ZERO
    repaid_shares: int = 0
    written_off_cash: Money = ZERO
    written_off_shares: int = 0
    cost: Money = ZERO


class NetPosition(Frozen):
    """A client's net obligation in a symbol on a settlement date.

    `net_quantity` is in shares to receive (+) or to deliver (−), `net_amount` in cash to receive
    (+) or to pay (−).
    """

    symbol: str
    settlement_date: Day
    net_quantity: int
    net_amount: Money


class Novation(Entry):
    """The CCP becomes the buyer to the seller and the seller to the buyer of a trade.

    `margin_required` is what the CCP requires for the trade. `net_position` includes this trade.
    """

    kind: Literal[EntryKind.NOVATION] = EntryKind.NOVATION
    order_id: str
    clearing_id: str
    margin_required: Money
    settlement_amount: Money
    net_position: NetPosition


class Settlement(Entry):
    """A delivery versus payment that the depository confirmed.

    `final_amount` is what the client paid or received, fees included. `loan_repaid` is the part of
    a sale's proceeds that repaid the margin loan.
    """

    kind: Literal[EntryKind.SETTLEMENT] = EntryKind.SETTLEMENT
    order_id: str
    symbol: str
    settlement_id: str
    confirmation_id: str
    settlement_date: Day
    final_amount: Money
    loan_repaid: Money = ZERO


class Deposit(Entry):
    """Cash or shares that came in from outside.

    `reference` is the payment's name outside. `cost` is what the client paid for all of the shares;
    cash has none.
    """

    kind: Literal[EntryKind.DEPOSIT] = EntryKind.DEPOSIT
    reference: str
    cost: Money | None = None


class Withdrawal(Entry):
    """Cash or shares that left.

    `reference` is the payment's name outside. `cost` is the part of the position's cost basis that
    went with the shares; cash has none.
    """

    kind: Literal[EntryKind.WITHDRAWAL] = EntryKind.WITHDRAWAL
    reference: str
    cost: Money | None = None


UNKNOWN_CLIENT = "unknown"
"""The client id of a break that belongs to nobody."""


class Break(Entry):
    """What an exchange or the depository said and the books refuse. It has no postings.

    People look at every break. `evidence` is what was said, and what it was compared with.
    """

    kind: Literal[EntryKind.BREAK] = EntryKind.BREAK
    order_id: str | None = None
    code: BreakCode
    reason: str
    evidence: dict[str, str]


LedgerEntry = Annotated[
    Fill | Reversal | Novation | Settlement | Deposit | Withdrawal | ClosedAdvance | Break,
    Field(discriminator="kind"),
]
LEDGER_ENTRY: TypeAdapter[LedgerEntry] = TypeAdapter(LedgerEntry)
