"""The physical names of the tables."""

from dataclasses import dataclass

EVENT_ATTRIBUTE = "event"
"""The attribute of an item that holds the event of its last write."""


@dataclass(frozen=True)
class TableNames:
    """The physical names of the tables of the books."""

    accounts: str
    clients: str
    ledger: str
    orders: str
    reference: str
