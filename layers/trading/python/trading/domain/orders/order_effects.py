"""What happens to an order, with what it does to what its client owns."""

from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.orders.order import Order
from trading.domain.values import Frozen


class OrderEffect(Frozen):
    """Written together. The position is there for a sale."""

    order: Order
    account: Account
    position: Position | None

    @property
    def changed(self) -> tuple[Order | Account | Position, ...]:
        """All of it."""
        return (self.order, self.account, *((self.position,) if self.position else ()))
