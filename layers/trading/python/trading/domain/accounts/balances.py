"""What a client can do with its cash: buy, withdraw, and use credit.

docs/explanation/holds.md has examples.
"""

from decimal import Decimal

from trading.domain.accounts.cash import Account
from trading.domain.values import CENT, ZERO, Frozen, Money, cents_down, cents_up, whole_of


class Balances(Frozen):
    """A client's cash. `total` = `available` + `held_for_orders` + `unsettled`, always.

    `available` is settled and free. `held_for_orders` is set aside for open buys at their worst
    price. `unsettled` is the proceeds of sales before their settlement, less what purchases have
    taken of them. `withdrawable` is the part of `available` that exceeds the loan. `margin_in_use`
    is the loan: what purchases have drawn and sales have not repaid.
    """

    currency: str
    available: Money
    held_for_orders: Money
    unsettled: Money
    total: Money
    buying_power: Money
    withdrawable: Money
    margin_in_use: Money


def buying_power(account: Account, margin_percent: Decimal) -> Decimal:
    """The largest purchase, fees included, that order entry accepts.

    The client puts up its share, and the rest draws on credit. The daily trading limit is not
    considered. A purchase draws its credit rounded down to the cent and takes the rest in cash. So
    the limit of the credit is the last cent before the purchase would draw one cent more.
    """
    own = cents_down(whole_of(account.available_to_trade, margin_percent))
    if margin_percent == 100:
        return own
    credit = max(account.credit_available, ZERO)
    return min(own, cents_up(whole_of(credit + CENT, 100 - margin_percent)) - CENT)


def balances(account: Account, margin_percent: Decimal) -> Balances:
    """An account as its client sees it."""
    return Balances(
        currency=account.currency,
        available=account.available,
        held_for_orders=account.held,
        unsettled=account.unsettled,
        total=account.total,
        buying_power=buying_power(account, margin_percent),
        withdrawable=account.withdrawable,
        margin_in_use=account.credit_used,
    )
