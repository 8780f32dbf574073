"""Statements for clients, and transfers by operators."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.faces import trades
from trading.domain.accounts import balances, movements, transfers, valuation
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.usecases.accounts import list_movements
from trading.usecases.accounts.list_movements import ListMovements
from trading.usecases.orders.list_orders import ListOrders

BUGS = (
    Bug(
        "a repaid loan is not in the statement",
        "The client's index lists only fills and transfers.",
        "The statement of a client on margin does not add up to the balance.",
        (Edit(movements.is_listed, "return any(", 'return entry.kind != "SETTLEMENT" and any('),),
    ),
    Bug(
        "a page begins after the entry that the last one ended with",
        "An entry whose lines are split between two pages is not read again.",
        "Lines are missing from the statement.",
        (
            Edit(
                ListMovements._page,
                "keys, more = self.books.movements(client_id, wanted.begins, ends, size)",
                "keys, more = self.books.movements(client_id, wanted.begins, ends, size)\n"
                "        keys = [key for key in keys if after is None or key.sort_key != "
                "after.sort_key]",
            ),
        ),
    ),
    Bug(
        "shares leave without their cost",
        "When shares are withdrawn, the cost of the position stays the same.",
        "The client's average cost and profit are wrong for ever.",
        (Edit(transfers.withdraw_shares, "cost=-cost)", "cost=0 * cost)"),),
    ),
    Bug(
        "cash leaves that the loan owes",
        "All settled cash may be withdrawn, whatever the loan.",
        "The client withdraws the money, and the loan stays.",
        (Edit(Account.withdrawable, "self.available - self.credit_used", "self.available"),),
    ),
    Bug(
        "shares leave that secure the loan",
        "Shares may be withdrawn whatever the client owes.",
        "The client withdraws the shares, and the loan stays.",
        (
            Edit(
                transfers.check_shares_may_leave,
                "if account.available < account.credit_used:",
                "if False:",
            ),
        ),
    ),
    Bug(
        "shares leave before they have come",
        "Bought shares may be withdrawn before they are received.",
        "The depository does not have the shares.",
        (Edit(Position.withdrawable, "self.available - self.receivable", "self.available"),),
    ),
    Bug(
        "settlements are not shown",
        "The list of trades is read without their settlements.",
        "A client sees no trade as settled.",
        (
            Edit(
                list_movements._related_keys,
                "[(key.trade_id, EntryKind.SETTLEMENT), (reversal_id",
                "[(reversal_id",
            ),
        ),
    ),
    Bug(
        "rejected orders are not listed",
        "The list of orders leaves out what was rejected.",
        "A client does not find the order that it looks for.",
        (
            Edit(
                ListOrders.__call__,
                "if wanted.matches(order):",
                "if wanted.matches(order) and order.reason_code is None:",
            ),
        ),
    ),
    Bug(
        "only the first page of orders",
        "A full page of orders has no cursor.",
        "A client sees its latest orders only.",
        (
            Edit(
                ListOrders.__call__,
                "return found, after if more or after != keys[-1] else None",
                "return found, None",
            ),
        ),
    ),
    Bug(
        "buying power without the proceeds",
        "The buying power that is shown leaves out what has not settled.",
        "A client does not trade with money that it has.",
        (Edit(balances.buying_power, "account.available_to_trade", "account.available"),),
    ),
    Bug(
        "positions valued at their cost",
        "The market value of a position is its cost basis.",
        "A client is shown no profit and no loss.",
        (
            Edit(
                valuation.holding,
                "position.cost_basis if price is None",
                "position.cost_basis if True",
            ),
        ),
    ),
    Bug(
        "a portfolio without its loan",
        "The total value of a portfolio does not deduct the loan.",
        "A client on margin is shown more than it owns.",
        (
            Edit(
                valuation.portfolio,
                "account.total + value - account.credit_used",
                "account.total + value",
            ),
        ),
    ),
    Bug(
        "the notional shown as margin",
        "The margin that is shown is the amount of the trade.",
        "A client is shown a wrong margin.",
        (
            Edit(
                trades.clearing_detail,
                "margin_required=novation.margin_required",
                "margin_required=novation.settlement_amount",
            ),
        ),
    ),
    Bug(
        "a sale shown without its fee",
        "The amount of a trade that is shown is its notional.",
        "The trades that a client is shown do not add up to its cash.",
        (
            Edit(
                movements.trade_of,
                "fill.side.sign * fill.client_amount",
                "fill.side.sign * fill.notional",
            ),
        ),
    ),
)
