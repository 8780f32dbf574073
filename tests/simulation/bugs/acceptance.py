"""Pre-trade checks that reject what they should accept, and accept what they should reject."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.domain.accounts import transfers
from trading.domain.accounts.cash import Account
from trading.domain.orders import order_entry, replacement
from trading.domain.reference.instruments import Instrument

BUGS = (
    Bug(
        "unsettled proceeds do not buy",
        "Only settled cash counts for a purchase.",
        "A client who has sold cannot buy until the next day.",
        (Edit(Account.available_to_trade, "self.available + self.unsettled", "self.available"),),
    ),
    Bug(
        "twice the cash needed",
        "The cash that an order needs is compared with half of what is there.",
        "Clients' orders are rejected although they have the money.",
        (Edit(order_entry.admit, "if hold.cash > cash:", "if hold.cash * 2 > cash:"),),
    ),
    Bug(
        "the last share cannot be sold",
        "An order to sell everything is rejected.",
        "A client can never close a position.",
        (
            Edit(
                order_entry.admit,
                "position is None or owned < hold.shares",
                "position is None or owned <= hold.shares",
            ),
        ),
    ),
    Bug(
        "a collar of one percent",
        "Limits may lie one percent from the last price, not twenty.",
        "Ordinary limit orders are rejected.",
        (Edit(Instrument.limit_band, "self.limit_collar_percent", "Decimal(1)"),),
    ),
    Bug(
        "every order counts against the limit of every day",
        "What was accepted yesterday counts against today's limit.",
        "After some days a client cannot trade any more.",
        (
            Edit(
                Account.notional_on,
                "self.notional_today if self.notional_date == business_date else ZERO",
                "self.notional_today",
            ),
        ),
    ),
    Bug(
        "suspended clients trade",
        "Order entry does not look at the suspension.",
        "A client trades on with a token from before its suspension.",
        (Edit(order_entry._check_active, "if account.suspended:", "if False:"),),
        tolerated=(
            "The tokens end with the suspension. Order entry decides only while the table that "
            "tells of their end does not answer."
        ),
    ),
    Bug(
        "a replacement pays twice",
        "A replacement is checked without what the old order gives back.",
        "A client cannot change the price of an order that takes all of its money.",
        (
            Edit(
                replacement.decide,
                "account=ended.account, position=ended.position",
                "account=facts.account, position=facts.position",
            ),
        ),
    ),
    Bug(
        "withdrawals leave a reserve",
        "A withdrawal of more than half of the free cash is refused.",
        "Clients cannot get their money out.",
        (
            Edit(
                transfers.check_cash_may_leave,
                "if amount > account.withdrawable:",
                "if amount > account.withdrawable / 2:",
            ),
        ),
    ),
)
