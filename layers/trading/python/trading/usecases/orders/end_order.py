"""The end of an order, and with it the beginning of the one that was to replace it."""

from datetime import datetime

from trading.domain.accounts.cash import Account, Position
from trading.domain.orders import order_entry, replacement
from trading.domain.orders.order import Order
from trading.domain.orders.order_entry import Refusal
from trading.domain.values import Side
from trading.usecases.ports import Books, Change


def holders(books: Books, order: Order) -> tuple[Account, Position | None]:
    """What an order's hold is in: the account, and of a sale the position."""
    position = books.position(order.client_id, order.symbol) if order.side is Side.SELL else None
    return books.account(order.client_id), position


def changes_of_end(
    books: Books, ended: Order, account: Account, position: Position | None, now: datetime
) -> tuple[Change, ...]:
    """All that is written with the end of an order: with one that is to be replaced, also the order
    that takes its place for what is left over, out of what the end gives back and what it has
    reserved itself. Its terms were checked when it was asked for.
    """
    new = books.order(ended.replaced_by) if ended.replaced_by and not ended.is_open else None
    taken_over: tuple[Change, ...] = ()
    if new is not None and new.is_pending:
        account, position = replacement.give_back(new, account, position)
        try:
            instrument = order_entry.listed(new.symbol, books.instrument(new.symbol))
            validated = order_entry.validated(
                replacement.take_over(new, ended, now), instrument, now
            )
            accepted = order_entry.admit(validated, account, position)
        except Refusal as refusal:
            taken_over = (order_entry.rejected(new, refusal, now),)
        else:
            account, position = accepted.account, accepted.position or position
            taken_over = (accepted.order,)
    return (ended, account, *((position,) if position else ()), *taken_over)
