"""Double entry: every movement of cash or shares has two sides, written in one entry whose postings
sum to zero per asset.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from trading.domain.values import ZERO, Day, Frozen, Money, Side, Timestamp

DEPOSITORY = "depository"
LENDING = "lending"


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
    kind: str
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

    kind: Literal["FILL"] = "FILL"
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

    kind: Literal["NOVATION"] = "NOVATION"
    order_id: str
    clearing_id: str
    margin_required: Money
    settlement_amount: Money
    net_position: NetPosition


class Settlement(Entry):
    """Delivery versus payment at the depository, confirmed."""

    kind: Literal["SETTLEMENT"] = "SETTLEMENT"
    order_id: str
    symbol: str
    settlement_id: str
    confirmation_id: str
    settlement_date: Day
    final_amount: Money
    loan_repaid: Money = ZERO


class Deposit(Entry):
    """Cash or shares that came in from outside. `cost`: what the shares cost the client in all."""

    kind: Literal["DEPOSIT"] = "DEPOSIT"
    reference: str
    cost: Money | None = None


class Withdrawal(Entry):
    """Cash or shares that left. `cost`: the part of the position's cost that went with the shares."""

    kind: Literal["WITHDRAWAL"] = "WITHDRAWAL"
    reference: str
    cost: Money | None = None


class Break(Entry):
    """Something the outside world said that our books refuse. No postings: it is for people to look
    at.
    """

    kind: Literal["BREAK"] = "BREAK"
    order_id: str | None = None
    code: str
    reason: str
    evidence: dict[str, str]


LedgerEntry = Annotated[
    Fill | Novation | Settlement | Deposit | Withdrawal | Break, Field(discriminator="kind")
]
LEDGER_ENTRY: TypeAdapter[LedgerEntry] = TypeAdapter(LedgerEntry)
