"""The fee of an exchange: computed alike for a fill and for a hold."""

from decimal import Decimal

from trading.domain.values import cents_down


def fee_of(fee_per_share: Decimal, quantity: int, notional: Decimal) -> Decimal:
    """The fee for a quantity, rounded down to the cent. It never exceeds the notional.

    Rounded down, the fees of partial fills never add up to more than the fee of the whole. So a
    hold with this fee covers every sequence of fills, and the largest one needs all of it.
    """
    return min(cents_down(fee_per_share * quantity), notional)
