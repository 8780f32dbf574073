"""Holds of orders, and their release."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.domain.orders import booking, order_entry
from trading.domain.orders.order import Order

BUGS = (
    Bug(
        "hold without the fee",
        "The hold of a buy is price times quantity, without the fee.",
        "The fee of the last fill is not covered. The balance turns negative or the fill is "
        "refused.",
        (Edit(Order.hold_for, " + fee_of(self.hold_fee_per_share, quantity, notional)", ""),),
    ),
    Bug(
        "hold with the fee rounded up",
        "The fee in a hold is rounded up to the cent, though fees are charged rounded down.",
        "A client whose cash is exactly the cost of an order cannot place it.",
        (
            Edit(
                Order.hold_for,
                "fee_of(self.hold_fee_per_share, quantity, notional)",
                "(self.hold_fee_per_share * quantity).quantize(ZERO, 'ROUND_CEILING')",
            ),
        ),
    ),
    Bug(
        "no fee at all",
        "The fee per share keeps its default when the order's terms are fixed.",
        "No buy is charged the exchange's fee. The house pays it.",
        (Edit(Order.with_hold_terms, "hold_fee_per_share=hold_fee_per_share,", ""),),
    ),
    Bug(
        "credit not held",
        "A margin order holds only the client's own part.",
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
        "A sell checks the position but holds no shares.",
        "The same shares are sold twice, which leaves a short position.",
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
        "The credit part of a hold is rounded up, and the cash part is the rest.",
        "The parts of a hold do not follow from its terms. A cent stays held or is missing.",
        (
            Edit(
                Order.hold_for,
                "cents_down(percent_of(gross, 100 - self.margin_percent))",
                "gross - cents_down(percent_of(gross, self.margin_percent))",
            ),
        ),
    ),
    Bug(
        "hold released at the first partial fill",
        "Only an order without fills has a hold.",
        "The rest of the order is not covered. The client spends that money twice.",
        (Edit(Order.hold, "if self.is_open", "if self.is_open and not self.trades"),),
    ),
    Bug(
        "hold kept until the order is filled",
        "While an order is open, its hold covers the whole quantity.",
        "Money that is already paid stays blocked as well.",
        (Edit(Order.hold, "self.hold_for(self.remaining)", "self.hold_for(self.quantity)"),),
    ),
    Bug(
        "hold not released on a partial cancel",
        "At its end, only an order without fills releases its hold.",
        "The money held for the unfilled rest stays blocked for ever.",
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
        "The end releases everything that was held at the beginning.",
        "The client also gets back the money that paid for the filled shares.",
        (Edit(booking.end, "hold = order.hold\n", "hold = order.hold_for(order.quantity)\n"),),
    ),
    Bug(
        "shares not given back",
        "The end of a sell releases money only.",
        "The unsold shares can never be sold again.",
        (Edit(booking.end, "position = position.hold(-hold.shares)", "pass"),),
    ),
    Bug(
        "a better price is kept",
        "A fill takes everything that was held for it from the account.",
        "The client pays the limit price, even if the fill was cheaper.",
        (Edit(booking.book, "available=-own,", "available=-released.cash,"),),
    ),
    Bug(
        "daily limit not given back",
        "The notional of the unfilled quantity still counts.",
        "A client whose orders were canceled cannot trade any more that day.",
        (Edit(booking.end, ".count_notional(order.business_date, -order.open_notional)", ""),),
    ),
)
