"""Replacing orders, and taking back what replaces them."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.domain.orders import cancellation, replacement
from trading.domain.orders.order import Order
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.orders import cancel_order, end_order
from trading.usecases.orders.replace_order import ReplaceOrder

BUGS = (
    Bug(
        "a replacement is for the whole quantity",
        "What the old order has filled is not taken off the new one's quantity.",
        "The client buys what was filled twice.",
        (
            Edit(
                replacement.take_over,
                "left = new.quantity - ended.filled_quantity",
                "left = new.quantity",
            ),
        ),
    ),
    Bug(
        "a replacement takes off what was filled when it was asked for",
        "The new order's quantity is fixed at the request; what is filled until the old one ends is not looked at.",
        "The client buys what was filled meanwhile twice.",
        (
            Edit(
                replacement.decide,
                "received.replacing(old.order_id)",
                "received.replacing(old.order_id).but(quantity=request.quantity - old.filled_quantity)",
            ),
            Edit(
                replacement.take_over,
                "left = new.quantity - ended.filled_quantity",
                "left = new.quantity",
            ),
        ),
    ),
    Bug(
        "a replacement of nothing",
        "An order of which nothing is left over is replaced all the same.",
        "An order for no shares, or fewer.",
        (Edit(replacement.take_over, "if left <= 0:", "if left < 0:"),),
    ),
    Bug(
        "a replacement comes in at the first fill",
        "The new order takes over when the old one changes, not when it has ended.",
        "Both orders are at the exchanges: the client buys twice.",
        (Edit(end_order.changes_of_end, " and not ended.is_open", ""),),
    ),
    Bug(
        "a fill that ends the order forgets its replacement",
        "Only a cancel lets the new order in, not the fill that completes the old one.",
        "The new order waits for ever.",
        (
            Edit(
                BookExecution._fill,
                "changes = changes_of_end(self.books, booked.order, booked.account, booked.position, now)",
                "changes = (booked.order, booked.account, booked.position)",
            ),
        ),
    ),
    Bug(
        "a replacement is checked against the account before the end",
        "The new order is held for on the account as it was before, not as the old one's end leaves it.",
        "The old order's hold is never given back.",
        (
            Edit(
                end_order.changes_of_end,
                "replacement.hand_over(new, ended, instrument, account, position, now)",
                "replacement.hand_over(new, ended, instrument, books.account(ended.client_id), position, now)",
            ),
        ),
    ),
    Bug(
        "a sale's replacement forgets the position",
        "The new order's hold is taken from the position as it was before the old one's end.",
        "Shares stay held twice, and can never be sold.",
        (
            Edit(
                end_order.changes_of_end,
                "replacement.hand_over(new, ended, instrument, account, position, now)",
                "replacement.hand_over(new, ended, instrument, account, position and books.position(ended.client_id, ended.symbol), now)",
            ),
        ),
    ),
    Bug(
        "a replacement holds the sum",
        "What waits to replace an order reserves all that it needs, beside what the old order holds.",
        "Cash that no order needs is not available.",
        (
            Edit(
                replacement.set_aside,
                "there, needed = old.hold, accepted.hold",
                "there, needed = Reserve(), accepted.hold",
            ),
        ),
    ),
    Bug(
        "a replacement reserves nothing",
        "What a replacement needs beyond the old order's hold is first asked for when that has ended.",
        "Another order takes it meanwhile, and the client has neither.",
        (Edit(replacement.set_aside, "reserve = Reserve(", "reserve = Reserve() or dict("),),
    ),
    Bug(
        "a reserve is not given back when the new order takes over",
        "It holds what it needs, and its reserve once more.",
        "Cash stays held for ever.",
        (Edit(replacement.give_back, "new.reserve or Reserve()", "Reserve()"),),
    ),
    Bug(
        "a reserve of shares is not given back",
        "The reserve of a sale stays in the position.",
        "Shares stay held for ever.",
        (Edit(replacement.give_back, "position.hold(-reserve.shares)", "position.hold(0)"),),
    ),
    Bug(
        "a reserve of the daily limit is not given back",
        "A replacement counts twice.",
        "The client cannot trade as much as he may.",
        (Edit(replacement.give_back, ".count_notional(new.business_date, -reserve.notional)", ""),),
    ),
    Bug(
        "an account does not name what waits",
        "An order is among the account's open ones when it has taken over, not while it waits.",
        "Meanwhile the client sends an order that trades with it; cancelling all orders leaves it.",
        (Edit(replacement.set_aside, "account.add_open_order(open_order(waiting))", "account"),),
    ),
    Bug(
        "an order is replaced twice",
        "A second replacement of an order that is being replaced is taken.",
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
        "The old order is to end, and does not say for which.",
        "The old order is gone, and the new one waits for ever.",
        (Edit(Order.giving_way_to, "replaced_by=order_id, ", ""),),
    ),
    Bug(
        "another replacement under the same key",
        "A key is answered with what is there, whatever the request says.",
        "The client believes that the order has the price he asked for last.",
        (Edit(ReplaceOrder._record, "if existing.fingerprint != fingerprint:", "if False:"),),
    ),
    Bug(
        "a cancel leaves the replacement",
        "A cancel ends the order that it names, and lets the one in that waits to replace it.",
        "An order that the client has taken back is filled.",
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
        "A cancel of an order that waits to replace another is accepted, and does nothing.",
        "An order that the client has taken back is filled.",
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
        "The new order takes over in whatever state it is.",
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
        "A new order that takes over after its session's close stands on.",
        "A DAY order is filled on a day that the client did not mean.",
        (Edit(replacement.take_over, "if expires_at(new) <= now:", "if False:"),),
    ),
    Bug(
        "the replacement's message is not sent",
        "The old order's mailbox is not told of the replacement.",
        "None but time.",
        (Edit(ReplaceOrder._notify_mailbox, "self.mailboxes.execution(", "repr("),),
        tolerated="the old order is due, and the sweeper pushes it",
    ),
    Bug(
        "a cancel of what waits is refused",
        "An order that waits to replace another is said to be over when it is canceled.",
        "The client is told that there is nothing to cancel, and the order is filled.",
        (Edit(cancellation.is_changed_by, "if order.is_pending:", "if False:"),),
    ),
)
