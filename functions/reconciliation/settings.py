"""What the function is told."""

from trading.adapters.runtime.settings import LambdaSettings


class Settings(LambdaSettings):
    """The tables that are reconciled, and the one that reports are kept in."""

    accounts_table: str
    control_table: str
    ledger_table: str
    orders_table: str
