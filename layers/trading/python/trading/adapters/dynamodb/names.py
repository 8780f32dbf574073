"""The physical names of the tables."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TableNames:
    """The physical names of the tables of the books."""

    accounts: str
    clients: str
    ledger: str
    orders: str
    reference: str
