"""What positions cost, what they are worth, and what was earned on them.

docs/explanation/accounts.md has examples.
"""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

from trading.domain.accounts.balances import Balances, balances
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.values import ZERO, Frozen, Money, Timestamp, cents, per_share


class LastPrice(Frozen):
    """The price of the latest booked execution in a symbol."""

    symbol: str
    price: Money
    time: Timestamp


class PriceSource(StrEnum):
    """Where a price comes from.

    `execution` is the last price. `reference` is the instrument's reference price, until there is
    an execution. `none` means that there is no price: the position is valued at its cost basis.
    """

    EXECUTION = "execution"
    REFERENCE = "reference"
    NONE = "none"


class Holding(Frozen):
    """A position as its client sees it: quantities in shares, amounts in the account's currency.

    `quantity` = `settled` + `unsettled` = `available` + `held_for_sells`. `settled` is what the
    depository has. `unsettled` is bought and not yet received, less sold and not yet delivered.
    `average_purchase_price` is `cost_basis` over `quantity`, fees included, half up to a
    hundredth of a cent. It is null for a closed position.
    """

    symbol: str
    quantity: int
    settled: int
    unsettled: int
    held_for_sells: int
    available: int
    average_purchase_price: Money | None
    cost_basis: Money
    last_price: Money | None
    price_time: Timestamp | None
    price_source: PriceSource
    market_value: Money
    unrealised_profit: Money
    realised_profit: Money


class Portfolio(Frozen):
    """Everything that a client owns.

    `total_value` is all cash and shares, less the loan. `positions` leaves out closed positions;
    `realised_profit` counts them too.
    """

    currency: str
    cash: Balances
    positions: tuple[Holding, ...]
    market_value: Money
    unrealised_profit: Money
    realised_profit: Money
    total_value: Money


def is_closed(position: Position) -> bool:
    """Whether nothing is owned and nothing is still to be received or delivered."""
    return position.quantity == 0 and position.unsettled == 0


def average_purchase_price(position: Position) -> Decimal | None:
    """What a share cost on average, fees included."""
    if not position.quantity:
        return None
    return per_share(position.cost_basis, position.quantity)


def holding(position: Position, last: LastPrice | None, reference_price: Decimal | None) -> Holding:
    """Value a position at the last price, or at the reference price until there is one."""
    price = last.price if last else reference_price
    value = position.cost_basis if price is None else cents(price * position.quantity)
    source = (
        PriceSource.EXECUTION
        if last
        else PriceSource.NONE
        if price is None
        else PriceSource.REFERENCE
    )
    return Holding(
        symbol=position.symbol,
        quantity=position.quantity,
        settled=position.quantity - position.unsettled,
        unsettled=position.unsettled,
        held_for_sells=position.held,
        available=position.available,
        average_purchase_price=average_purchase_price(position),
        cost_basis=position.cost_basis,
        last_price=price,
        price_time=last.time if last else None,
        price_source=source,
        market_value=value,
        unrealised_profit=value - position.cost_basis,
        realised_profit=position.realised_profit,
    )


def portfolio(
    account: Account,
    margin_percent: Decimal,
    holdings: Iterable[Holding],
    realised_on_closed: Decimal,
) -> Portfolio:
    """The sum of a client's cash and open positions."""
    held = tuple(holdings)
    value = sum((h.market_value for h in held), ZERO)
    return Portfolio(
        currency=account.currency,
        cash=balances(account, margin_percent),
        positions=held,
        market_value=value,
        unrealised_profit=sum((h.unrealised_profit for h in held), ZERO),
        realised_profit=sum((h.realised_profit for h in held), realised_on_closed),
        total_value=account.total + value - account.credit_used,
    )
