"""What ends with an order, and the order that then takes its place."""

from datetime import datetime
from typing import Protocol

from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.orders import replacement
from trading.domain.orders.order import Order
from trading.domain.values import Side
from trading.usecases.ports import Accounts, Change, Orders, ReferenceData


class SuccessionBooks(Orders, ReferenceData, Protocol):
    """The order that is to replace another, and its instrument."""


def holders(books: Accounts, order: Order) -> tuple[Account, Position | None]:
    """The account, and for a sale the position, in which the order's hold is."""
    position = books.position(order.client_id, order.symbol) if order.side is Side.SELL else None
    return books.account(order.client_id), position


def changes_of_end(
    books: SuccessionBooks, ended: Order, account: Account, position: Position | None, now: datetime
) -> tuple[Change, ...]:
    """Everything that is written together with a change that may have ended an order.

    If the order has ended and another was to replace it, that one takes over in the same
    transaction.
    """
    new = books.order(ended.replaced_by) if ended.replaced_by and not ended.is_open else None
    taken_over: tuple[Change, ...] = ()
    if new is not None and new.is_pending:
        instrument = books.instrument(new.symbol)
        effect = replacement.activate(new, ended, instrument, account, position, now)
        account, position, taken_over = effect.account, effect.position, (effect.order,)
    return (ended, account, *((position,) if position else ()), *taken_over)
