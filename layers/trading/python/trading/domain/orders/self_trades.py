"""Self-trade prevention for stop orders: orders that may meet once a stop is elected never rest at
the same exchange. docs/explanation/order-entry.md explains it.
"""

from collections.abc import Iterable

from trading.domain.accounts.cash import Account
from trading.domain.orders.order import Order
from trading.domain.orders.order_entry import open_order


def may_have_opponents(order: Order) -> bool:
    """Whether other orders of the client must be looked at before an order is routed.

    kept_apart: there was such an order when this one was accepted. An order that is routed again,
    or that waited for its market, may meet one that was accepted later. Any other order can meet
    none that was sent before it.
    """
    return bool(order.kept_apart or order.children or order.release_at)


def opponents(order: Order, account: Account) -> tuple[str, ...]:
    """The client's open orders that an order could execute against, one of them perhaps not before
    its stop is elected.
    """
    entering = open_order(order)
    return tuple(
        listed.order_id
        for listed in account.open_orders
        if listed.order_id != order.order_id and listed.meets(entering)
    )


def occupied_exchanges(orders: Iterable[Order]) -> frozenset[str]:
    """The exchanges that may still execute a part of these orders."""
    return frozenset(
        child.exchange_id
        for order in orders
        for child in (*order.live_children, *(c for c in order.children if c.refused))
    )
