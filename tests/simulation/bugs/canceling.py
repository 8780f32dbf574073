"""Cancels: what is accepted is written, shown, and carried on."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.faces import orders
from trading.domain.orders import cancellation
from trading.domain.orders.end_request import Ending
from trading.usecases.orders.cancel_order import RequestCancel

BUGS = (
    Bug(
        "the wish to cancel is not kept",
        "A cancel is a message alone; the order knows of it when the message is handled.",
        "The message is lost, and the order stands on although its cancel was accepted.",
        (
            Edit(
                RequestCancel._record,
                "    self.books.commit(*requested.changed)\n    return requested.order.saved()",
                "    return requested.order",
            ),
        ),
    ),
    Bug(
        "an order that is being replaced takes no cancel",
        "The wish to replace an order stands against the client's cancel.",
        "The new order takes over and is filled, although the client wants none of it.",
        (Edit(Ending.gives_way_to, 'self.asked_by not in (wish.asked_by, "client")', "False"),),
    ),
    Bug(
        "a cancel is written and not due",
        "The order whose cancel is accepted comes back to the sweeper when it would have without it.",
        "Half an hour in which an order is filled whose cancel was accepted, if its message is lost.",
        (
            Edit(
                cancellation.decide, "order.with_ending(request, now)", "order.but(ending=request)"
            ),
        ),
    ),
    Bug(
        "a cancel's message is not sent",
        "The mailbox is not told of the cancel.",
        "None but time.",
        (Edit(RequestCancel._notify_mailbox, "self.mailboxes.execution(", "repr("),),
        tolerated="the order is due, and the sweeper pushes it",
    ),
    Bug(
        "every ending is shown as a cancel",
        "An order that is replaced or whose time is over is shown as one whose cancel was asked for.",
        "The client asks who canceled his order.",
        (
            Edit(
                orders.order_summary,
                "order.ending.asked_by is not None",
                "bool(order.ending.status)",
            ),
        ),
    ),
    Bug(
        "a suspension leaves the open orders",
        "A client is suspended, and his orders stand.",
        "A suspended client trades on.",
        (Edit(RequestCancel.of_suspended, "self.books.account(client_id).open_order_ids", "()"),),
    ),
)
