"""The end of an order, and with it the beginning of the one that was to replace it."""

from datetime import datetime

from trading.domain import order_entry, replacement
from trading.domain.accounts import Account, Position
from trading.domain.order_entry import Refusal
from trading.domain.orders import Order
from trading.usecases.accept_order import assess
from trading.usecases.ports import Books, Change, LastPrices


def changes_of_end(
    books: Books, prices: LastPrices, ended: Order, account: Account, position: Position | None, now: datetime
) -> tuple[Change, ...]:
    """All that is written with the end of an order: with one that is to be replaced, also the order that takes its place,
    accepted for what is left over on what the end gives back, or rejected.
    """
    new = books.order(ended.replaced_by) if ended.replaced_by and not ended.is_open else None
    taken_over: tuple[Change, ...] = ()
    if new is not None and new.is_pending:
        try:
            acceptance = assess(books, prices, replacement.take_over(new, ended, now), now, account, position)
        except Refusal as refusal:
            taken_over = (order_entry.rejected(new, refusal, now),)
        else:
            account, position = acceptance.account, acceptance.position or position
            taken_over = (acceptance.order,)
    return (ended, account, *((position,) if position else ()), *taken_over)
