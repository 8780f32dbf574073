"""What an order sets aside of its client's cash, credit and shares."""

from trading.domain.values import ZERO, Frozen, Money


class Hold(Frozen):
    """What an order sets aside: cash and credit in the account's currency for a buy, shares for a
    sell.
    """

    cash: Money = ZERO
    credit: Money = ZERO
    shares: int = 0


class Reserve(Hold):
    """What a replacement sets aside beyond the hold of the order that it replaces.

    notional: what it counts against the daily trading limit beyond that order.
    """

    notional: Money = ZERO
