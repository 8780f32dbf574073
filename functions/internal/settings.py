"""What the function is told."""

from trading.adapters.stages import ExecutionSettings


class Settings(ExecutionSettings):
    """What all stages need, and the idempotency records."""

    idempotency_table: str
