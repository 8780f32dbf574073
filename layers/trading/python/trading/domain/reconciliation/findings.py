"""The invariants of the books, and a violation of one.

docs/explanation/reconciliation.md explains each invariant.
"""

from trading.domain.values import Frozen

INVARIANTS = {
    1: (
        "cash: all accounts sum to zero per currency, and every client's balance is the sum of its "
        "postings"
    ),
    2: "shares: all accounts sum to zero per symbol, and every position is the sum of its postings",
    3: (
        "available and held are never below zero; held is what the open orders hold, and the "
        "account names them; unsettled is what is due"
    ),
    4: "no position is below zero",
    5: "the fills of an order sum to its filled quantity, which is at most its quantity",
    6: "an execution is booked once",
    7: "every accepted order reaches a final status",
    8: "a client's orders reach an exchange in the order in which they were accepted",
    9: "what the CCP owes and is owed nets to zero per symbol and settlement date",
    10: "every order's history is a legal path",
}
"""By number. A report of the reconciliation names the invariant of each finding."""


class Finding(Frozen):
    """One violation of an invariant. subject: the entity at fault, by its id."""

    invariant: int
    subject: str
    message: str
