"""The physical names of the tables."""

from __future__ import annotations

from dataclasses import dataclass

from trading.adapters.runtime.settings import LambdaSettings


class BooksSettings(LambdaSettings):
    """Which tables a function uses. The settings of every function that uses the books extend it."""

    accounts_table: str
    clients_table: str
    ledger_table: str
    orders_table: str
    reference_table: str


@dataclass(frozen=True)
class TableNames:
    """The physical names of the tables."""

    accounts: str
    clients: str
    ledger: str
    orders: str
    reference: str

    @classmethod
    def of(cls, settings: BooksSettings) -> TableNames:
        """The names in a function's settings."""
        return cls(
            **{name: getattr(settings, f"{name}_table") for name in cls.__dataclass_fields__}
        )
