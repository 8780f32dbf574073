"""What the function is told."""

from trading.adapters.stages import ExecutionSettings


class Settings(ExecutionSettings):
    """What executing orders needs, and where messages go that cannot succeed."""

    execution_queue_url: str
    execution_dlq_url: str
