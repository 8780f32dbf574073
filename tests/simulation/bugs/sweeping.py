"""Sweeping up, and orders whose time is over."""

from datetime import timedelta

from tests.simulation.bugs.patching import Bug, Constant, Edit
from trading.domain.orders import attention, order_times
from trading.domain.orders.order import Order
from trading.domain.orders.order_times import expires_at
from trading.usecases.execution.advance_order import AdvanceOrder
from trading.usecases.execution.close_day import CloseDay
from trading.usecases.execution.sweep_orders import SweepOrders

BUGS = (
    Bug(
        "attention ends with the last fill",
        "A filled order counts as at rest, although it is not cleared.",
        "An order whose clearing got lost never settles.",
        (
            Edit(
                Order.filled,
                "fees=self.fees + fees,",
                "fees=self.fees + fees, attention_at=None if done else self.attention_at,",
            ),
        ),
    ),
    Bug(
        "attention ends with the order",
        "An order that ends early counts as at rest, although its fills are not cleared.",
        "Partial fills whose clearing got lost never settle.",
        (
            Edit(
                Order.ended,
                "return order if order.filled_quantity else order.at_rest()",
                "return order.at_rest()",
            ),
        ),
    ),
    Bug(
        "attention ends with routing",
        "An order that has been sent counts as at rest.",
        "What an exchange does not report is never asked for.",
        (
            Edit(
                Order.routed,
                "children=(*self.children, *added)",
                "children=(*self.children, *added), attention_at=None",
            ),
        ),
    ),
    Bug(
        "cleared orders are swept for ever",
        "A cleared order is not taken out of the index.",
        "The sweeper is busy with what is done, and comes too late to what is not.",
        (
            Edit(
                Order.cleared,
                ".but(cleared_at=now).at_rest()",
                ".but(cleared_at=now)",
            ),
        ),
    ),
    Bug(
        "the sweeper skips accepted orders",
        "The sweeper polls what is routed and leaves what is only accepted to its workflow.",
        "An order whose workflow did not start is never executed.",
        (
            Edit(
                SweepOrders._push,
                "    if not self.workflow.start(order):\n            self.mailboxes.execution(order_messages.execute(order))",
                "    pass",
            ),
        ),
    ),
    Bug(
        "the sweeper does not send the lost message",
        "An order whose workflow exists counts as under way.",
        "None.",
        (
            Edit(
                SweepOrders._push,
                "    if not self.workflow.start(order):\n            self.mailboxes.execution(order_messages.execute(order))",
                "    self.workflow.start(order)",
            ),
        ),
        tolerated="SQS loses no message, and one that was given up waits in the dead-letter queue until it is redriven",
    ),
    Bug(
        "the sweeper does not poll",
        "The sweeper starts what is not routed and leaves the rest to the exchanges' reports.",
        "An execution that was never reported is never booked.",
        (Edit(SweepOrders._push, "self.mailboxes.execution(order_messages.poll(order))", "pass"),),
    ),
    Bug(
        "a poll asks nobody",
        "A poll routes what is unrouted and does not ask the exchanges.",
        "An execution that was never reported is never booked.",
        (
            Edit(
                AdvanceOrder.__call__,
                "for child in order.live_children:",
                "for child in ():",
            ),
        ),
    ),
    Bug(
        "postponed for ever",
        "The next look at an order is a year from now.",
        "An order that is pushed once in vain is never pushed again.",
        (Constant(attention, "LOOK_AGAIN_AFTER", timedelta(days=365)),),
    ),
    Bug(
        "one failure ends the sweep",
        "An order that cannot be swept ends the whole sweep.",
        "None.",
        (Edit(SweepOrders.__call__, "except Exception as error:", "except KeyError as error:"),),
        tolerated="the order is put off before the failure goes on, so the next sweep starts after it",
    ),
    Bug(
        "orders never expire",
        "Nobody but the exchange ends a DAY order.",
        "What the exchange forgets stays open, its money held.",
        (
            Edit(
                expires_at,
                "return calendars.close_of(order.business_date)",
                "return order.accepted_at + GTC_LIFETIME",
            ),
        ),
    ),
    Bug(
        "good till canceled for ever",
        "A GTC order has no end.",
        "Forgotten orders hold their clients' money for years.",
        (Constant(order_times, "GTC_LIFETIME", timedelta(days=36500)),),
    ),
    Bug(
        "GTC expires with the day",
        "Every order that rests expires at the close.",
        "A client's order for three months is gone in the evening.",
        (Edit(expires_at, "if order.time_in_force is TimeInForce.GTC:", "if False:"),),
    ),
    Bug(
        "DAY expires before the close",
        "The close is taken for 13:00.",
        "A client's order is gone in the middle of the session.",
        (
            Edit(
                expires_at,
                "calendars.close_of(order.business_date)",
                "calendars.close_of(order.business_date) - timedelta(hours=3)",
            ),
        ),
    ),
    Bug(
        "a halt at the open is not looked at",
        "An order that waited for its open goes out, whether its instrument is traded or not.",
        "A client's order is sent into a halt that was made to stop just that.",
        (Edit(order_times.is_waiting, "not instrument.tradable or ", ""),),
    ),
    Bug(
        "closing a day by hand expires all orders",
        "The close by hand does not look at the time in force.",
        "Clients' orders for three months are gone.",
        (
            Edit(
                CloseDay._close,
                "if business_date is not None and order.time_in_force is not TimeInForce.GTC:",
                "if business_date is not None:",
            ),
        ),
    ),
    Bug(
        "open orders are not cleared at the close",
        "Only orders that are done are cleared.",
        "Trades of a resting order do not settle on their date, but three months later.",
        (Edit(CloseDay._close, "elif order.trades:", "elif False:"),),
    ),
)
