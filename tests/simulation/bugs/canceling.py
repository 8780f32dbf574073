"""Cancels: an accepted cancel is written, shown and carried out."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.faces import orders
from trading.domain.orders import cancellation
from trading.domain.orders.end_request import EndRequest
from trading.usecases.orders.cancel_order import RequestCancel

ORDERS = "functions.orders.handler"
BUGS = (
    Bug(
        "a cancel request is not stored",
        "A cancel is only a message. The order learns of it when the message is handled.",
        "If the message is lost, the order stands although its cancel was accepted.",
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
        "A pending replacement of an order overrides the client's cancel.",
        "The new order takes over and is filled, although the client canceled it.",
        (
            Edit(
                EndRequest.is_outranked_by,
                "RANKS.index(self.asked_by) < RANKS.index(request.asked_by)",
                "False",
            ),
        ),
    ),
    Bug(
        "a cancel is written and not due",
        "An accepted cancel does not bring forward the sweeper's next look at the order.",
        "If the message is lost, the order may be filled for another half hour.",
        (
            Edit(
                cancellation.decide, "order.with_ending(request, now)", "order.but(ending=request)"
            ),
        ),
    ),
    Bug(
        "a cancel's message is not sent",
        "No message about the cancel goes to the mailbox.",
        "A delay.",
        (Edit(RequestCancel._notify_mailbox, "self.mailboxes.execution(", "repr("),),
        tolerated="The order is due, and the sweeper pushes it.",
    ),
    Bug(
        "every ending is shown as a cancel",
        "An order that is replaced or expired is shown as if somebody had canceled it.",
        "The client asks who canceled the order.",
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
        "When a client is suspended, the client's orders stand.",
        "A suspended client goes on trading.",
        (Edit(RequestCancel.of_suspended, "self.books.account(client_id).open_order_ids", "()"),),
    ),
    Bug(
        "filter ignored",
        "DELETE /orders cancels all open orders, whatever symbol and side it names.",
        "A client that wants to cancel its buys in one symbol loses all its orders.",
        (Edit(ORDERS, "wanted = OrderFilter(symbol=symbol, side=side)", "wanted = OrderFilter()"),),
    ),
    Bug(
        "the client's own name cancels everything",
        "A cancel in which the order is named by the client's own id is taken for one of all.",
        "A client loses orders that it did not name.",
        (
            Edit(
                ORDERS,
                'return _cancel(_order_id_of(client_order_id), "client_order_id")',
                "_cancel_open_orders(OrderFilter())\n"
                '    return _cancel(_order_id_of(client_order_id), "client_order_id")',
            ),
        ),
    ),
)
