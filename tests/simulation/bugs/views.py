"""Statements for clients, and transfers by administrators."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.domain.accounts import movements, transfers
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.usecases.accounts.list_movements import ListMovements

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
                transfers.withdraw_shares,
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
        (Edit(ListMovements._lines, "if key.kind == EntryKind.FILL", "if key.kind == key"),),
    ),
)
