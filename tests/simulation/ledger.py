"""The ledger as it was written, entry by entry, and its sums."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tests.simulation.items import Item
from tests.simulation.violations import ZERO, ViolationError

Entries = Mapping[tuple[str, str], Item]
"""The entries by trade (or transfer) and kind."""


@dataclass
class Ledger:
    """A ledger rebuilt from its entries alone."""

    entries: dict[tuple[str, str], Item] = field(default_factory=dict)
    times: dict[tuple[str, str], float] = field(default_factory=dict)
    """When each entry was committed."""
    sums: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    """The sum of the postings, by account and asset."""
    filled: Counter[str] = field(default_factory=Counter)
    """Filled shares, by order."""
    loans: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    """The credit that is lent and not repaid, by client."""
    executions: set[tuple[str, str]] = field(default_factory=set)

    def add(self, entry: Item) -> None:
        """Record a new entry. Raises ViolationError."""
        key = (entry["trade_id"], entry["kind"])
        self.entries[key] = entry
        balance: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for posting in entry.get("postings", ()):
            self.sums[posting["account"], posting["asset"]] += posting["amount"]
            balance[posting["asset"]] += posting["amount"]
        if any(balance.values()):
            raise ViolationError("every entry balances", str(key), str(dict(balance)))
        if entry["kind"] == "FILL":
            execution = (entry["exchange_id"], entry["execution_id"])
            if execution in self.executions:
                raise ViolationError(
                    "an execution is booked once", str(execution), entry["trade_id"]
                )
            self.executions.add(execution)
            self.filled[entry["order_id"]] += int(entry["quantity"])
            self.loans[entry["client_id"]] += entry["drawn"]
        elif entry["kind"] == "REVERSAL":
            self.filled[entry["order_id"]] -= int(entry["quantity"])
            self.loans[entry["client_id"]] += entry["drawn"]
        elif entry["kind"] == "SETTLEMENT":
            self.loans[entry["client_id"]] -= entry["loan_repaid"]

    def cash(self, client_id: str) -> Decimal:
        """The sum of a client's cash postings."""
        return self.sums[f"client:{client_id}", "USD"]

    def shares(self, client_id: str, symbol: str) -> Decimal:
        """The sum of a client's postings of a symbol."""
        return self.sums[f"client:{client_id}", symbol]
