"""What the function is told."""

from trading.adapters.stages import ExecutionSettings


class Settings(ExecutionSettings):
    """What all stages need."""
