"""The sweeper, and orders whose time is over."""

from datetime import timedelta

from tests.simulation.bugs.patching import Bug, Constant, Edit
from trading.domain.orders import attention, booking, order_times
from trading.domain.orders.order import Order
from trading.domain.orders.order_times import expires_at
from trading.usecases.execution.advance_order import AdvanceOrder
from trading.usecases.execution.close_day import CloseDay
from trading.usecases.execution.sweep_orders import SweepOrders

BUGS = (
    Bug(
        "attention ends with the last fill",
        "A filled order counts as at rest although it is not cleared.",
        "If its clearing gets lost, the order never settles.",
        (
            Edit(
                Order.filled,
                "fees=self.fees + fees,",
                "fees=self.fees + fees, attention_at=None if done else self.attention_at,",
            ),
            Edit(attention.look_after_end, "return order.looked_at_next(soon)", "return order"),
        ),
    ),
    Bug(
        "attention ends with the order",
        "An order that ends early counts as at rest although its fills are not cleared.",
        "If their clearing gets lost, the partial fills never settle.",
        (
            Edit(
                Order.ended,
                "return order if order.filled_quantity else order.at_rest()",
                "return order.at_rest()",
            ),
            Edit(
                booking.end,
                "attention.look_after_end(order.ended(status, now, code, reason), now)",
                "order.ended(status, now, code, reason)",
            ),
        ),
    ),
    Bug(
        "attention ends with routing",
        "An order that has been sent counts as at rest.",
        "If an exchange does not report an execution, nobody asks for it.",
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
        "A cleared order is not removed from the index.",
        "The sweeper is busy with finished orders and reaches the others too late.",
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
        "The sweeper polls routed orders and leaves accepted ones to their workflows.",
        "An order whose workflow did not start is never executed.",
        (
            Edit(
                SweepOrders._push,
                "self.workflow.start(order)",
                "pass",
            ),
        ),
    ),
    Bug(
        "the sweeper does not poll",
        "The sweeper starts unrouted orders and relies on the exchanges' reports for the others.",
        "An unreported execution is never booked.",
        (Edit(SweepOrders._push, "self.mailboxes.execution(order_messages.poll(order))", "pass"),),
    ),
    Bug(
        "a child in doubt is not asked about",
        "A poll does not ask the exchange of a child whose execution the books refused.",
        "After a false report, an execution that nobody reports is found too late.",
        (
            Edit(
                AdvanceOrder.__call__,
                "(*order.live_children, *order.children_in_doubt)",
                "order.live_children",
            ),
        ),
        pending="More false reports of whole children. `test_refused_executions.py` finds it.",
    ),
    Bug(
        "an order that is over keeps its next look",
        "The sweeper does not look sooner at a resting order that has ended with fills.",
        "None.",
        (Edit(attention.look_after_end, "return order.looked_at_next(soon)", "return order"),),
        tolerated="The order is cleared at its next look, half an hour later at most.",
    ),
    Bug(
        "a poll asks nobody",
        "A poll routes what is unrouted but does not ask the exchanges.",
        "An unreported execution is never booked.",
        (
            Edit(
                AdvanceOrder.__call__,
                "for child in (*order.live_children, *order.children_in_doubt):",
                "for child in ():",
            ),
        ),
    ),
    Bug(
        "postponed for ever",
        "The next look at an order is a year away.",
        "If one push of an order has no effect, the order is never pushed again.",
        (Constant(attention, "LOOK_AGAIN_AFTER", timedelta(days=365)),),
    ),
    Bug(
        "one failure ends the sweep",
        "An order that cannot be swept ends the whole sweep.",
        "None.",
        (Edit(SweepOrders.push, "except Exception as error:", "except KeyError as error:"),),
        tolerated=(
            "The order is put off before the error is raised, so the next sweep starts after it."
        ),
    ),
    Bug(
        "orders never expire",
        "Only the exchange ends a DAY order.",
        "An order that the exchange forgets stays open, and its money stays held.",
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
        "A GTC order never expires.",
        "Forgotten orders hold their clients' money for years.",
        (Constant(order_times, "GTC_LIFETIME", timedelta(days=36500)),),
    ),
    Bug(
        "GTC expires with the day",
        "Every resting order expires at the close.",
        "A client's order for three months is gone in the evening.",
        (Edit(expires_at, "if order.time_in_force is TimeInForce.GTC:", "if False:"),),
    ),
    Bug(
        "DAY expires before the close",
        "DAY orders expire at 13:00 instead of at the close.",
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
        "a halt at the open is ignored",
        "An order that waited for the open is sent even if its instrument is halted.",
        "A client's order goes out into a halt that was meant to stop it.",
        (Edit(order_times.is_waiting, "not instrument.tradable or ", ""),),
    ),
    Bug(
        "closing a day by hand expires all orders",
        "Closing the day by hand ignores the time in force.",
        "Clients' orders for three months are gone.",
        (
            Edit(
                CloseDay._is_over,
                "if business_date is not None and order.time_in_force is not TimeInForce.GTC:",
                "if business_date is not None:",
            ),
        ),
    ),
    Bug(
        "open orders are not cleared at the close",
        "Only finished orders are cleared.",
        "Trades of a resting order settle up to three months late.",
        (Edit(CloseDay._close, "elif order.trades:", "elif False:"),),
    ),
    Bug(
        "what is handed over is pushed by nobody",
        "A further invocation of the sweeper does not push the orders that it gets.",
        "When many orders are due, none is pushed.",
        (
            Edit(
                "functions.sweeper.handler",
                "sweep_orders.push(request.order_ids, deadline)",
                "sweep_orders.push((), deadline)",
            ),
        ),
    ),
    Bug(
        "a part of the close has one page",
        "A further invocation of the day close ends after its first page.",
        "With many open orders, the trades of most orders that stay open settle late.",
        (Edit(CloseDay.close_shard, "if after is None:", "if True:"),),
        pending="More open orders with trades in a shard. `test_close_day.py` finds it.",
    ),
)
