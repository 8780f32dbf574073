"""What clients are shown, and what administrators move."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.domain.accounts import movements, transfers
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.usecases.accounts.list_movements import ListMovements

BUGS = (
    Bug(
        "a repaid loan is not in the statement",
        "Only fills and transfers are listed in the client's index.",
        "The statement of a client on margin does not come to his balance.",
        (Edit(movements.is_listed, "return any(", 'return entry.kind != "SETTLEMENT" and any('),),
    ),
    Bug(
        "a page begins after the entry that the last one ended with",
        "An entry whose lines are on two pages is not read again.",
        "Lines are missing in the statement.",
        (
            Edit(
                ListMovements._page,
                "keys, more = self.books.movements(client_id, wanted.begins, ends, size)",
                "keys, more = self.books.movements(client_id, wanted.begins, ends, size)\n"
                "        keys = [key for key in keys if after is None or key.sort_key != after.sort_key]",
            ),
        ),
    ),
    Bug(
        "shares leave without their cost",
        "The cost of a position stays whole when shares are withdrawn.",
        "The client's average cost and profit are wrong for ever.",
        (Edit(transfers.withdraw_shares, "cost=-cost)", "cost=0 * cost)"),),
    ),
    Bug(
        "cash leaves that the loan owes",
        "What may be withdrawn is all settled cash.",
        "The client leaves with the money and the loan stays.",
        (Edit(Account.withdrawable, "self.available - self.credit_used", "self.available"),),
    ),
    Bug(
        "shares leave that secure the loan",
        "Shares are withdrawn whatever the client owes.",
        "The client leaves with the shares and the loan stays.",
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
        "Shares that were bought and not yet received are withdrawn.",
        "The depository has not got them.",
        (Edit(Position.withdrawable, "self.available - self.receivable", "self.available"),),
    ),
)
