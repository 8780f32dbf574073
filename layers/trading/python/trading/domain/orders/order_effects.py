"""A change of an order, with the changes of what its client owns."""

from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.orders.order import Order
from trading.domain.values import Frozen


class OrderEffect(Frozen):
    """An order, account and position that are written together. position: for a sale only."""

    order: Order
    account: Account
    position: Position | None

    @property
    def changed(self) -> tuple[Order | Account | Position, ...]:
        """What is written, in one transaction."""
        return (self.order, self.account, *((self.position,) if self.position else ()))
