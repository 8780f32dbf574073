"""Double entry: every movement of cash or shares has two sides, written in one entry whose postings
sum to zero per asset.
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


class EntryKind(Coded):
    """What a ledger entry records."""

    FILL = "FILL", "A trade: an execution at an exchange, booked for the client."
    NOVATION = "NOVATION", "The CCP took over the exchange's side of a trade."
    SETTLEMENT = "SETTLEMENT", "The depository delivered the shares of a trade versus payment."
    DEPOSIT = "DEPOSIT", "Cash or shares came in from outside."
    WITHDRAWAL = "WITHDRAWAL", "Cash or shares went out."
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
    EXECUTION_CHANGED = (
        "EXECUTION_CHANGED",
        "An exchange reported a booked execution again, with another quantity or price.",
    )
    UNKNOWN_CHILD_ORDER = (
        "UNKNOWN_CHILD_ORDER",
        "An exchange executed a child order that it never got.",
    )
    OVERFILL = "OVERFILL", "An exchange executed more than was left of the order."
    IMPLAUSIBLE_PRICE = "IMPLAUSIBLE_PRICE", "The price of an execution is not positive."
    IMPLAUSIBLE_TIME = (
        "IMPLAUSIBLE_TIME",
        "The time of an execution lies outside of the trading calendar.",
    )
    PRICE_WORSE_THAN_LIMIT = (
        "PRICE_WORSE_THAN_LIMIT",
        "An exchange executed the order at a worse price than it allows.",
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
    """The ledger account of a client."""
    return f"client:{client_id}"


def exchange_account(exchange_id: str) -> str:
    """The street side of trades at an exchange, until novation."""
    return f"exchange:{exchange_id}"


def fees_account(exchange_id: str) -> str:
    """What an exchange earned in fees."""
    return f"fees:{exchange_id}"


def ccp_account(settlement_date: Day) -> str:
    """What the CCP is to deliver and receive on a settlement date."""
    return f"ccp:{settlement_date.isoformat()}"


class Posting(Frozen):
    """Add a signed `amount` of `asset` (a currency or a symbol) to `account`."""

    account: str
    asset: str
    amount: Decimal


def transfer(
    asset: str, source: str, target: str, amount: Decimal | int
) -> tuple[Posting, Posting]:
    """Both sides of moving an amount."""
    return (
        Posting(account=source, asset=asset, amount=-Decimal(amount)),
        Posting(account=target, asset=asset, amount=Decimal(amount)),
    )


def netted(*pairs: tuple[Posting, Posting]) -> tuple[Posting, ...]:
    """One posting an account and asset; those of zero are left out."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for pair in pairs:
        for posting in pair:
            sums[posting.account, posting.asset] += posting.amount
    return tuple(
        Posting(account=a, asset=s, amount=amount) for (a, s), amount in sums.items() if amount
    )


def imbalance(postings: Iterable[Posting]) -> dict[str, Decimal]:
    """What postings sum to per asset where that is not zero."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for posting in postings:
        sums[posting.asset] += posting.amount
    return {asset: amount for asset, amount in sums.items() if amount}


class Entry(Frozen):
    """An immutable, balanced ledger entry. `trade_id` + `kind` is its key, so an event is booked
    once.
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


class Fill(Entry):
    """A trade: an execution at an exchange, booked to the client. `drawn` is the part paid by
    credit.
    """

    kind: Literal[EntryKind.FILL] = EntryKind.FILL
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
    currency: str
    executed_at: Timestamp
    trade_date: Day
    settlement_date: Day

    @property
    def client_amount(self) -> Decimal:
        """What the client pays (buy) or receives (sell), fees included; positive."""
        return self.notional + self.side.sign * self.fees


class NetPosition(Frozen):
    """A client's net obligation in a symbol on a settlement date: shares to receive (+) or deliver
    (−), cash likewise.
    """

    symbol: str
    settlement_date: Day
    net_quantity: int
    net_amount: Money


class Novation(Entry):
    """The CCP steps between the parties: the exchange-side obligation becomes the CCP's."""

    kind: Literal[EntryKind.NOVATION] = EntryKind.NOVATION
    order_id: str
    clearing_id: str
    margin_required: Money
    settlement_amount: Money
    net_position: NetPosition


class Settlement(Entry):
    """Delivery versus payment at the depository, confirmed."""

    kind: Literal[EntryKind.SETTLEMENT] = EntryKind.SETTLEMENT
    order_id: str
    symbol: str
    settlement_id: str
    confirmation_id: str
    settlement_date: Day
    final_amount: Money
    loan_repaid: Money = ZERO


class Deposit(Entry):
    """Cash or shares that came in from outside. `cost`: what the shares cost the client in all."""

    kind: Literal[EntryKind.DEPOSIT] = EntryKind.DEPOSIT
    reference: str
    cost: Money | None = None


class Withdrawal(Entry):
    """Cash or shares that left.
    `cost`: the part of the position's cost that went with the shares.
    """

    kind: Literal[EntryKind.WITHDRAWAL] = EntryKind.WITHDRAWAL
    reference: str
    cost: Money | None = None


class Break(Entry):
    """Something the outside world said that our books refuse. No postings: it is for people to look
    at.
    """

    kind: Literal[EntryKind.BREAK] = EntryKind.BREAK
    order_id: str | None = None
    code: BreakCode
    reason: str
    evidence: dict[str, str]


LedgerEntry = Annotated[
    Fill | Novation | Settlement | Deposit | Withdrawal | Break, Field(discriminator="kind")
]
LEDGER_ENTRY: TypeAdapter[LedgerEntry] = TypeAdapter(LedgerEntry)
