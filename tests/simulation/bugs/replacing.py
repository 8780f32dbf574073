"""Replacing orders, and canceling the replacements."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.domain.orders import cancellation, replacement
from trading.domain.orders.order import Order
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.orders import cancel_order, end_order
from trading.usecases.orders.replace_order import ReplaceOrder

BUGS = (
    Bug(
        "a replacement is for the whole quantity",
        "The filled quantity of the old order is not deducted from the new order's.",
        "The client buys the filled quantity twice.",
        (
            Edit(
                replacement.reduce_to_remainder,
                "left = new.quantity - ended.executed_quantity",
                "left = new.quantity",
            ),
        ),
    ),
    Bug(
        "a replacement takes off what was filled when it was asked for",
        "The new order's quantity is fixed at the request. Later fills of the old order are "
        "ignored.",
        "The client buys the quantity of these fills twice.",
        (
            Edit(
                replacement.decide,
                "received.replacing(old.order_id)",
                "received.replacing(old.order_id).but(quantity=request.quantity - "
                "old.filled_quantity)",
            ),
            Edit(
                replacement.reduce_to_remainder,
                "left = new.quantity - ended.executed_quantity",
                "left = new.quantity",
            ),
        ),
    ),
    Bug(
        "a replacement of nothing",
        "An order is replaced even if nothing of it is left.",
        "The new order is for zero shares or fewer.",
        (Edit(replacement.reduce_to_remainder, "if left <= 0:", "if left < 0:"),),
    ),
    Bug(
        "a replacement comes in at the first fill",
        "The new order takes over when the old one changes, not when it has ended.",
        "Both orders are at the exchanges, and the client buys twice.",
        (Edit(end_order.changes_of_end, " and not ended.is_open", ""),),
    ),
    Bug(
        "a fill that ends the order forgets its replacement",
        "Only a cancel starts the new order. A fill that completes the old order does not.",
        "The new order waits for ever.",
        (
            Edit(
                BookExecution._fill,
                "changes = changes_of_end(self.books, booked.order, booked.account, "
                "booked.position, now)",
                "changes = (booked.order, booked.account, booked.position)",
            ),
        ),
    ),
    Bug(
        "a replacement is checked against the account before the end",
        "The new order's hold is computed on the account before the old order's end, not after it.",
        "The old order's hold is never released.",
        (
            Edit(
                end_order.changes_of_end,
                "replacement.activate(new, ended, instrument, account, position, now)",
                "replacement.activate(new, ended, instrument, books.account(ended.client_id), "
                "position, now)",
            ),
        ),
    ),
    Bug(
        "a sale's replacement forgets the position",
        "The new order's hold is taken from the position as it was before the old order's end.",
        "Shares stay held twice and can never be sold.",
        (
            Edit(
                end_order.changes_of_end,
                "replacement.activate(new, ended, instrument, account, position, now)",
                "replacement.activate(new, ended, instrument, account, position and "
                "books.position(ended.client_id, ended.symbol), now)",
            ),
        ),
    ),
    Bug(
        "a replacement holds the sum",
        "A waiting replacement reserves its full need, on top of the old order's hold.",
        "Cash that no order needs is not available.",
        (
            Edit(
                replacement.make_pending,
                "there, needed = old.hold, accepted.hold",
                "there, needed = Reserve(), accepted.hold",
            ),
        ),
    ),
    Bug(
        "a replacement reserves nothing",
        "What a replacement needs beyond the old order's hold is held only when that order has "
        "ended.",
        "Another order takes the cash in the meantime, and the client has neither order.",
        (Edit(replacement.make_pending, "reserve = Reserve(", "reserve = Reserve() or dict("),),
    ),
    Bug(
        "a reserve is not given back when the new order takes over",
        "The new order holds what it needs and keeps its reserve as well.",
        "Cash stays held for ever.",
        (Edit(replacement.release_reserve, "new.reserve or Reserve()", "Reserve()"),),
    ),
    Bug(
        "a reserve of shares is not given back",
        "The reserve of a sale stays in the position.",
        "Shares stay held for ever.",
        (Edit(replacement.release_reserve, "position.hold(-reserve.shares)", "position.hold(0)"),),
    ),
    Bug(
        "a reserve of the daily limit is not given back",
        "A replacement counts twice against the daily limit.",
        "The client cannot trade up to the daily limit.",
        (
            Edit(
                replacement.release_reserve,
                ".count_notional(new.business_date, -reserve.notional)",
                "",
            ),
        ),
    ),
    Bug(
        "fills before the takeover do not count against the daily limit",
        "A replacement counts as if the old order filled nothing before it ends.",
        "A client trades beyond the daily limit, with fills under the old, worse price.",
        (
            Edit(
                replacement._most_notional,
                "old.protection_price * filled_first + accepted.protection_price * afterwards",
                "accepted.open_notional",
            ),
        ),
    ),
    Bug(
        "a replacement is accepted whatever the fills before it count",
        "Whether both orders can exceed the daily limit together is not checked.",
        "A client trades beyond the daily limit.",
        (Edit(replacement._check_daily_limit, "reserved.notional and beyond > 0", "False"),),
    ),
    Bug(
        "an account does not name what waits",
        "The account lists a new order only once it has taken over, not while it waits.",
        "A self-trade is not noticed meanwhile, and cancelling all orders leaves the waiting one.",
        (Edit(replacement.make_pending, "account.add_open_order(open_order(waiting))", "account"),),
    ),
    Bug(
        "an order is replaced twice",
        "A second replacement is accepted while the first one is pending.",
        "The first new order waits for ever.",
        (
            Edit(
                replacement.check_replaceable,
                "if old.ending is not None or expires_at",
                "if expires_at",
            ),
        ),
    ),
    Bug(
        "an order does not know what replaces it",
        "The old order's ending does not name the new order.",
        "The old order ends, and the new one waits for ever.",
        (Edit(Order.with_replacement, "replaced_by=order_id, ", ""),),
    ),
    Bug(
        "another replacement under the same key",
        "A repeated key is answered with the stored order, even if the request differs.",
        "The client believes that the order has the price of the last request.",
        (Edit(ReplaceOrder._record, "if existing.fingerprint != fingerprint:", "if False:"),),
    ),
    Bug(
        "a cancel leaves the replacement",
        "A cancel ends the order that it names, and the waiting replacement takes over.",
        "An order that the client canceled is filled.",
        (
            Edit(
                cancellation.decide,
                "pending = pending_of(order, replacing)",
                "pending = pending_of(order, None)",
            ),
        ),
    ),
    Bug(
        "what waits cannot be taken back",
        "A cancel of a waiting replacement is accepted but has no effect.",
        "An order that the client canceled is filled.",
        (
            Edit(
                cancel_order.RequestCancel._record,
                "self.books.commit(*requested.changed)",
                "pending or self.books.commit(*requested.changed)",
            ),
        ),
    ),
    Bug(
        "what was taken back takes over",
        "The new order takes over whatever its status is.",
        "The old order cannot end any more.",
        (
            Edit(
                end_order.changes_of_end,
                "if new is not None and new.is_pending:",
                "if new is not None:",
            ),
        ),
    ),
    Bug(
        "a replacement comes the day after",
        "A new order that takes over after its session's close stays open.",
        "A DAY order is filled on a day that the client did not choose.",
        (Edit(replacement.reduce_to_remainder, "if expires_at(new) <= now:", "if False:"),),
    ),
    Bug(
        "the replacement's message is not sent",
        "No message about the replacement goes to the old order's mailbox.",
        "A delay.",
        (Edit(ReplaceOrder._notify_mailbox, "self.mailboxes.execution(", "repr("),),
        tolerated="The old order is due, and the sweeper pushes it.",
    ),
    Bug(
        "a cancel of what waits is refused",
        "A cancel of a waiting replacement is answered as if the order were over.",
        "The client is told that there is nothing to cancel, and the order is filled.",
        (Edit(cancellation.is_changed_by, "if order.is_pending:", "if False:"),),
    ),
)
