"""What orders set aside, and give back."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.domain.orders import booking, order_entry
from trading.domain.orders.order import Order

BUGS = (
    Bug(
        "hold without the fee",
        "What a buy holds is price times quantity.",
        "The fee of the last fill is not covered: the balance goes below zero, or the fill cannot be booked.",
        (Edit(Order.hold_for, " + cents_up(self.hold_fee_per_share * quantity)", ""),),
    ),
    Bug(
        "no fee at all",
        "The fee per share is left at its default when the order's terms are fixed.",
        "Every buy is free of the exchange's fee: the house pays it.",
        (Edit(Order.with_hold_terms, "hold_fee_per_share=hold_fee_per_share,", ""),),
    ),
    Bug(
        "credit not held",
        "A margin order holds the client's own part only.",
        "Several orders at once draw more credit than was granted.",
        (
            Edit(
                order_entry.admit,
                "account.hold(hold.cash, hold.credit)",
                "account.hold(hold.cash, hold.credit * 0)",
            ),
        ),
    ),
    Bug(
        "shares not held",
        "A sell checks the position and holds nothing.",
        "The same shares are sold twice: a short position.",
        (
            Edit(
                order_entry.admit,
                "position = position.hold(hold.shares)",
                "position = position.hold(0)",
            ),
        ),
    ),
    Bug(
        "credit rounded against the limit",
        "The credit part of a hold is rounded up, the cash part is the rest.",
        "The parts of a hold do not follow from its terms: a cent stays held or is missing.",
        (Edit(Order.hold_for, "cents_down(", "cents_up("),),
    ),
    Bug(
        "hold released at the first partial fill",
        "Only an order without fills holds anything.",
        "The rest of the order is not covered: the client spends its money twice.",
        (Edit(Order.hold, "if self.is_open", "if self.is_open and not self.trades"),),
    ),
    Bug(
        "hold kept until the order is filled",
        "A hold is for the whole quantity as long as the order is open.",
        "Money that was already paid stays blocked as well.",
        (Edit(Order.hold, "self.hold_for(self.remaining)", "self.hold_for(self.quantity)"),),
    ),
    Bug(
        "hold not released on a partial cancel",
        "Only an order without fills gives its hold back at its end.",
        "The rest's money stays blocked for ever.",
        (
            Edit(
                booking.end,
                "account.release(hold.cash, hold.credit)",
                "account.release(*((0, 0) if order.trades else (hold.cash, hold.credit)))",
            ),
        ),
    ),
    Bug(
        "whole hold released on a partial cancel",
        "The end gives back what was held at the beginning.",
        "The client gets back what was paid for his shares, too.",
        (Edit(booking.end, "hold = order.hold\n", "hold = order.hold_for(order.quantity)\n"),),
    ),
    Bug(
        "shares not given back",
        "The end of a sell gives back money only.",
        "Unsold shares can never be sold again.",
        (Edit(booking.end, "position = position.hold(-hold.shares)", "pass"),),
    ),
    Bug(
        "a better price is kept",
        "A fill takes from the account all that was held for it.",
        "The client pays his limit, whatever the price.",
        (Edit(booking.book, "available=-own,", "available=-released.cash,"),),
    ),
    Bug(
        "daily limit not given back",
        "The notional of what was never filled stays counted.",
        "A client whose orders were cancelled cannot trade any more that day.",
        (Edit(booking.end, ".count_notional(order.business_date, -order.open_notional)", ""),),
    ),
)
