"""A client's shares of one symbol: what a hold, a fill and a settlement do to them.

Every change of a position is a method of `Position` that returns the changed position.
"""

from decimal import Decimal

from trading.domain.errors import NegativeBalanceError
from trading.domain.values import ZERO, Money, Side, Versioned


class Position(Versioned):
    """Shares of one symbol that a client owns as of the trade date.

    available: free to sell. held: set aside for open sells. unsettled: signed; shares bought and
    not yet received (`receivable`) less shares sold and not yet delivered. cost_basis: what the
    shares cost with fees; a sale takes out its proportional part (average cost). realised_profit:
    proceeds of sales less fees and the cost of what was sold.
    """

    client_id: str
    symbol: str
    available: int = 0
    held: int = 0
    unsettled: int = 0
    receivable: int = 0
    cost_basis: Money = ZERO
    realised_profit: Money = ZERO

    @property
    def quantity(self) -> int:
        """All shares owned, held for a sell or not."""
        return self.available + self.held

    @property
    def withdrawable(self) -> int:
        """Shares that may leave: not held for a sell and already received."""
        return max(self.available - self.receivable, 0)

    def bought(self, quantity: int, cost: Decimal) -> "Position":
        """Add shares that were bought; they are still to be received."""
        return self.move(available=quantity, unsettled=quantity, receivable=quantity, cost=cost)

    def settled(self, side: Side, quantity: int) -> "Position":
        """Shares that were bought were received, or shares that were sold were delivered."""
        if side is Side.BUY:
            return self.move(unsettled=-quantity, receivable=-quantity)
        return self.move(unsettled=quantity)

    def move(
        self,
        *,
        available: int = 0,
        held: int = 0,
        unsettled: int = 0,
        receivable: int = 0,
        cost: Decimal = ZERO,
        profit: Decimal = ZERO,
    ) -> "Position":
        """Add signed quantities and amounts. Raises NegativeBalanceError: there are no naked
        shorts.
        """
        moved = self.but(
            available=self.available + available,
            held=self.held + held,
            unsettled=self.unsettled + unsettled,
            receivable=self.receivable + receivable,
            cost_basis=self.cost_basis + cost,
            realised_profit=self.realised_profit + profit,
        )
        if moved.available < 0 or moved.held < 0:
            raise NegativeBalanceError(
                f"position {self.client_id}/{self.symbol}: {moved.available=} {moved.held=}"
            )
        return moved

    def hold(self, quantity: int) -> "Position":
        """Set shares aside for a sell. A negative quantity gives them back."""
        return self.move(available=-quantity, held=quantity)
